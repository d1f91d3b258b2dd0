// Where nodes and edges are drawn: layers by dagre, sizes by the texts. Pure.

import { Graph as Layered, layout as place } from "@dagrejs/dagre";
import type { Graph, GraphEdge, GraphNode } from "./model";

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface PlacedNode {
  readonly node: GraphNode;
  /** The centre. */
  readonly at: Point;
  readonly width: number;
  readonly height: number;
  readonly lines: readonly string[];
}

export interface PlacedEdge {
  readonly edge: GraphEdge;
  readonly points: readonly Point[];
  readonly label: Point | undefined;
}

export interface Placed {
  readonly nodes: readonly PlacedNode[];
  readonly edges: readonly PlacedEdge[];
  readonly width: number;
  readonly height: number;
}

export type Direction = "down" | "right";
export type Measure = (text: string, bold: boolean) => number;

const TITLE_CHARS_MAX = 34;
const LABEL_CHARS_MAX = 28;
const LINE_HEIGHT = 16;

export function placed(graph: Graph, direction: Direction, measure: Measure): Placed {
  const layered = new Layered({ multigraph: true });
  layered.setGraph({ rankdir: direction === "down" ? "TB" : "LR", nodesep: 28, ranksep: 44, edgesep: 14, marginx: 16, marginy: 16 });
  graph.nodes.forEach((node, index) => layered.setNode(String(index), { ...size(node, measure) }));
  graph.edges.forEach((edge, index) => {
    const label = edgeLabel(edge);
    const width = label === "" ? 0 : measure(label, false) + 8;
    const height = label === "" ? 0 : LINE_HEIGHT;
    layered.setEdge(String(edge.from), String(edge.to), { width, height, labelpos: "c" }, String(index));
  });
  place(layered);
  const nodes = graph.nodes.map((node, index) => {
    const { x, y, width, height } = layered.node(String(index)) as unknown as { x: number; y: number; width: number; height: number };
    return { node, at: { x, y }, width, height, lines: lines(node) };
  });
  const edges = graph.edges.map((edge, index) => {
    const found = layered.edge({ v: String(edge.from), w: String(edge.to), name: String(index) }) as unknown as {
      points: Point[];
      x?: number;
      y?: number;
    };
    const label = edgeLabel(edge) !== "" && found.x !== undefined && found.y !== undefined ? { x: found.x, y: found.y } : undefined;
    return { edge, points: found.points, label };
  });
  const whole = layered.graph() as unknown as { width?: number; height?: number };
  return { nodes, edges, width: finite(whole.width), height: finite(whole.height) };
}

/** What stands at an edge; of a plain need nothing. */
export function edgeLabel(edge: GraphEdge): string {
  const label = edge.label ?? "";
  switch (edge.kind) {
    case "need":
      return label === "?" ? "optional" : label;
    case "route":
      return `on ${label}`;
    case "arm":
      return shortened(label, LABEL_CHARS_MAX);
    case "fallback":
      return "fallback";
  }
}

/** The texts in a node: its id, its title, what it takes at worst. */
export function lines(node: GraphNode): string[] {
  const title = node.title === null ? [] : [shortened(node.title, TITLE_CHARS_MAX)];
  return [node.id, ...title, ...(node.note === null ? [] : [node.note])];
}

function size(node: GraphNode, measure: Measure): { width: number; height: number } {
  const texts = lines(node);
  const widest = Math.max(...texts.map((text, index) => measure(text, index === 0)));
  const slant = node.shape === "gate" || node.shape === "decision" ? 36 : 24;
  return { width: Math.max(84, Math.ceil(widest) + slant), height: texts.length * LINE_HEIGHT + 16 };
}

function shortened(text: string, most: number): string {
  const chars = [...text];
  return chars.length <= most ? text : `${chars.slice(0, most - 1).join("").trimEnd()}…`;
}

function finite(length: number | undefined): number {
  return length !== undefined && Number.isFinite(length) ? length : 0;
}
