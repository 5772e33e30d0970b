import { render } from "preact";
import { watchLinks } from "./route";
import { Shell } from "./shell";
import "./style.css";

const root = document.getElementById("app")!;
root.textContent = "";
watchLinks();
render(<Shell />, root);
