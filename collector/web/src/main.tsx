import { render } from "preact";
import { watchLinks } from "./route";
import { begin, Shell } from "./shell";
import "./style.css";

const root = document.getElementById("app")!;
root.textContent = "";
watchLinks();
begin();
render(<Shell />, root);
