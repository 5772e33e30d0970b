import { expect, test } from "vitest";
import { rolesText, shortName } from "./session";

test("roles are told without those that another brings along", () => {
  for (const [roles, want] of [
    [["agent", "viewer", "planner"], "planner"],
    [["viewer"], "viewer"],
    [["planner"], "planner"],
    [["planner", "enforcement"], "enforcement"],
    [["enforcement", "operator"], "enforcement, operator"],
    [["agent"], "no role"],
    [[], "no role"],
  ] as const) expect(rolesText([...roles]), roles.join()).toBe(want);
});

test("names are told without the login service's identifier", () => {
  expect(shortName("anna@example.org (sub-1)")).toBe("anna@example.org");
  expect(shortName("analysis script")).toBe("analysis script");
});
