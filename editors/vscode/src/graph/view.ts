// The webview's own script: draws what the extension sends, and tells it what was clicked.

import { edgeLabel, placed, type Direction, type Placed, type PlacedEdge, type PlacedNode, type Point } from "./layout";
import type { FromView, Graph, NodeState, ToView } from "./model";

declare function acquireVsCodeApi(): { postMessage(message: FromView): void; getState(): unknown; setState(state: unknown): void };

const SVG = "http://www.w3.org/2000/svg";
const ZOOM_MIN = 0.15;
const ZOOM_MAX = 3;

interface Shown {
  readonly graph: Graph;
  readonly hidden: number;
  readonly states: Record<string, NodeState>;
  readonly run: string | null;
}

const host = acquireVsCodeApi();
const saved = host.getState() as { direction?: Direction } | undefined;

const canvas = element("div", "canvas");
const caption = element("div", "caption");
const empty = element("div", "empty");
const tools = element("div", "tools");
const drawing = document.createElementNS(SVG, "svg");
const world = document.createElementNS(SVG, "g");

let direction: Direction = saved?.direction ?? "down";
let shown: Shown | undefined;
let places: Placed | undefined;
let selected: string | null = null;
let zoom = 1;
let offset: Point = { x: 0, y: 0 };
/** The person has moved the picture; it is not fitted any more by itself. */
let moved = false;

start();

function start(): void {
  drawing.append(definitions(), world);
  drawing.setAttribute("role", "img");
  canvas.append(drawing);
  tools.append(
    button("Fit", "Show all of the plan", fit),
    button("Turn", "Draw from the top down, or from left to right", turn),
    button("+", "Larger", () => zoomBy(1.25)),
    button("−", "Smaller", () => zoomBy(0.8)),
  );
  document.body.append(canvas, caption, empty, tools);
  canvas.addEventListener("wheel", wheel, { passive: false });
  canvas.addEventListener("pointerdown", drag);
  window.addEventListener("resize", () => {
    if (!moved) {
      fit();
    }
  });
  window.addEventListener("message", (event: MessageEvent<ToView>) => receive(event.data));
  host.postMessage({ kind: "ready" });
}

function receive(message: ToView): void {
  switch (message.kind) {
    case "show": {
      const other = shown?.graph.plan !== message.graph.plan;
      shown = message;
      if (other) {
        moved = false;
      }
      draw();
      break;
    }
    case "empty":
      shown = undefined;
      places = undefined;
      world.replaceChildren();
      caption.textContent = "";
      empty.textContent = message.message;
      break;
    case "select":
      selected = message.id;
      markSelected();
      break;
  }
}

function draw(): void {
  if (shown === undefined) {
    return;
  }
  empty.textContent = shown.graph.nodes.length === 0 ? "This plan has no nodes yet." : "";
  places = placed(shown.graph, direction, measure);
  const edges = places.edges.map(drawnEdge);
  const nodes = places.nodes.map(drawnNode);
  world.replaceChildren(...edges, ...nodes);
  caption.textContent = captionOf(shown);
  markSelected();
  if (!moved) {
    fit();
  }
}

function captionOf({ graph, hidden, run, states }: Shown): string {
  const name = graph.title === null ? graph.plan : `${graph.plan === "" ? "" : `${graph.plan}: `}${graph.title}`;
  const parts = [name];
  if (hidden > 0) {
    parts.push(`${graph.nodes.length} nodes around the cursor, ${hidden} more are not drawn`);
  }
  if (run !== null) {
    const done = graph.nodes.filter((node) => states[node.id]?.status === "completed").length;
    parts.push(`run ${run}: ${done} of ${graph.nodes.length} completed`);
  }
  return parts.filter((part) => part !== "").join(" · ");
}

function drawnNode({ node, at, width, height, lines }: PlacedNode): SVGElement {
  const state = shown?.states[node.id];
  const group = document.createElementNS(SVG, "g");
  group.setAttribute("class", `node ${node.shape} ${state?.status ?? ""} ${node.critical ? "critical" : ""}`);
  group.setAttribute("transform", `translate(${at.x} ${at.y})`);
  group.setAttribute("tabindex", "0");
  group.setAttribute("role", "button");
  group.setAttribute("aria-label", [node.id, node.title, state?.status].filter(Boolean).join(", "));
  group.dataset["id"] = node.id;
  for (const d of outlines(node.shape, width, height)) {
    group.append(svg("path", { d, class: "outline" }));
  }
  const top = (-(lines.length - 1) * 16) / 2;
  lines.forEach((line, index) => {
    const role = index === 0 ? "id" : index === lines.length - 1 && node.note !== null ? "note" : "title";
    const text = svg("text", { class: role, y: String(top + index * 16) });
    text.textContent = line;
    group.append(text);
  });
  const tip = document.createElementNS(SVG, "title");
  tip.textContent = [node.title ?? node.id, state === undefined ? "" : `${state.status} ${state.note}`.trim()].filter((part) => part !== "").join("\n");
  group.append(tip);
  const open = (): void => host.postMessage({ kind: "open", id: node.id });
  group.addEventListener("click", open);
  group.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      open();
    }
  });
  return group;
}

/** The outline of a shape around the origin; of a fan-out, a sheet behind it too. */
function outlines(shape: string, width: number, height: number): string[] {
  const [x, y] = [width / 2, height / 2];
  switch (shape) {
    case "gate":
      return [`M${-x + 12} ${-y}H${x - 12}L${x} 0L${x - 12} ${y}H${-x + 12}L${-x} 0Z`];
    case "decision":
      return [`M${-x} 0L${-x + 14} ${-y}H${x - 14}L${x} 0L${x - 14} ${y}H${-x + 14}Z`];
    case "fan-out":
      return [rounded(x, y, 6, 5), rounded(x, y, 6, 0)];
    case "milestone":
      return [rounded(x, y, y, 0)];
    case "call":
      return [rounded(x, y, 6, 0), `M${-x + 6} ${-y}V${y}M${x - 6} ${-y}V${y}`];
    default:
      return [rounded(x, y, 6, 0)];
  }
}

function rounded(x: number, y: number, corner: number, shift: number): string {
  const r = Math.min(corner, y);
  const [left, top] = [-x + shift, -y - shift];
  return `M${left + r} ${top}h${2 * (x - r)}a${r} ${r} 0 0 1 ${r} ${r}v${2 * (y - r)}a${r} ${r} 0 0 1 ${-r} ${r}h${-2 * (x - r)}a${r} ${r} 0 0 1 ${-r} ${-r}v${-2 * (y - r)}a${r} ${r} 0 0 1 ${r} ${-r}z`;
}

function drawnEdge({ edge, points, label }: PlacedEdge): SVGElement {
  const group = document.createElementNS(SVG, "g");
  group.setAttribute("class", `edge ${edge.kind} ${edge.critical ? "critical" : ""}`);
  const marker = edge.critical ? "url(#arrow-critical)" : "url(#arrow)";
  group.append(svg("path", { d: curve(points), "marker-end": marker }));
  if (label !== undefined) {
    const text = svg("text", { x: String(label.x), y: String(label.y) });
    text.textContent = edgeLabel(edge);
    group.append(text);
  }
  return group;
}

/** A line through the points with its corners rounded: quadratic curves between the middles of its parts. */
function curve(points: readonly Point[]): string {
  const [first, ...rest] = points;
  const last = rest.at(-1);
  if (first === undefined || last === undefined) {
    return "";
  }
  let path = `M${first.x} ${first.y}`;
  rest.slice(0, -1).forEach((point, index) => {
    const next = rest[index + 1] ?? last;
    const end = index + 1 === rest.length - 1 ? next : { x: (point.x + next.x) / 2, y: (point.y + next.y) / 2 };
    path += `Q${point.x} ${point.y} ${end.x} ${end.y}`;
  });
  return rest.length === 1 ? `${path}L${last.x} ${last.y}` : path;
}

function markSelected(): void {
  for (const group of world.querySelectorAll<SVGGElement>("g.node")) {
    group.classList.toggle("selected", group.dataset["id"] === selected);
  }
  const node = places?.nodes.find((place) => place.node.id === selected);
  if (node !== undefined) {
    bringIntoView(node);
  }
}

function bringIntoView({ at, width, height }: PlacedNode): void {
  const [x, y] = [at.x * zoom + offset.x, at.y * zoom + offset.y];
  const [w, h] = [(width * zoom) / 2 + 12, (height * zoom) / 2 + 12];
  const shift = (centre: number, half: number, most: number): number =>
    centre - half < 0 ? half - centre : centre + half > most ? most - half - centre : 0;
  const [dx, dy] = [shift(x, w, canvas.clientWidth), shift(y, h, canvas.clientHeight)];
  if (dx !== 0 || dy !== 0) {
    offset = { x: offset.x + dx, y: offset.y + dy };
    transform();
  }
}

function fit(): void {
  if (places === undefined || places.width === 0) {
    return;
  }
  const [width, height] = [canvas.clientWidth, canvas.clientHeight - 28];
  zoom = Math.max(ZOOM_MIN, Math.min(1.15, width / places.width, height / places.height));
  offset = { x: (width - places.width * zoom) / 2, y: 28 + Math.max(0, (height - places.height * zoom) / 2) };
  moved = false;
  transform();
}

function turn(): void {
  direction = direction === "down" ? "right" : "down";
  host.setState({ direction });
  moved = false;
  draw();
}

function zoomBy(factor: number, around: Point = { x: canvas.clientWidth / 2, y: canvas.clientHeight / 2 }): void {
  const next = Math.min(ZOOM_MAX, Math.max(ZOOM_MIN, zoom * factor));
  const ratio = next / zoom;
  offset = { x: around.x - (around.x - offset.x) * ratio, y: around.y - (around.y - offset.y) * ratio };
  zoom = next;
  moved = true;
  transform();
}

function wheel(event: WheelEvent): void {
  event.preventDefault();
  if (event.ctrlKey || event.metaKey) {
    zoomBy(Math.exp(-event.deltaY / 200), { x: event.clientX, y: event.clientY });
  } else {
    offset = { x: offset.x - event.deltaX, y: offset.y - event.deltaY };
    moved = true;
    transform();
  }
}

function drag(down: PointerEvent): void {
  if (down.button !== 0 || (down.target as Element).closest("g.node") !== null) {
    return;
  }
  const from = { x: down.clientX - offset.x, y: down.clientY - offset.y };
  canvas.setPointerCapture(down.pointerId);
  const move = (event: PointerEvent): void => {
    offset = { x: event.clientX - from.x, y: event.clientY - from.y };
    moved = true;
    transform();
  };
  canvas.addEventListener("pointermove", move);
  canvas.addEventListener("pointerup", () => canvas.removeEventListener("pointermove", move), { once: true });
}

function transform(): void {
  world.setAttribute("transform", `translate(${offset.x} ${offset.y}) scale(${zoom})`);
}

const ruler = document.createElement("canvas").getContext("2d");

function measure(text: string, bold: boolean): number {
  if (ruler === null) {
    return text.length * 7;
  }
  ruler.font = `${bold ? "600 " : ""}12px ${getComputedStyle(document.body).fontFamily}`;
  return ruler.measureText(text).width;
}

function definitions(): SVGElement {
  const found = document.createElementNS(SVG, "defs");
  for (const name of ["arrow", "arrow-critical"]) {
    const marker = svg("marker", { id: name, viewBox: "0 0 8 8", refX: "7", refY: "4", markerWidth: "8", markerHeight: "8", orient: "auto" });
    marker.append(svg("path", { d: "M0 0.5L8 4L0 7.5Z", class: name }));
    found.append(marker);
  }
  return found;
}

function svg(name: string, attributes: Record<string, string>): SVGElement {
  const made = document.createElementNS(SVG, name);
  Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
  return made;
}

function element(name: string, className: string): HTMLElement {
  const made = document.createElement(name);
  made.className = className;
  return made;
}

function button(text: string, title: string, act: () => void): HTMLElement {
  const made = element("button", "");
  made.textContent = text;
  made.title = title;
  made.addEventListener("click", act);
  return made;
}
