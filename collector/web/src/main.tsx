import { render } from "preact";
import { keepPages } from "./offline/register";
import { watchLinks } from "./route";
import { begin, Shell } from "./shell";
import "./style.css";

const root = document.getElementById("app")!;
root.textContent = "";
watchLinks();
begin();
render(<Shell />, root);
keepPages();
