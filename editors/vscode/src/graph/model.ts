// The graph as the server tells it, and which part of a large one is shown. Pure.

export interface Graph {
  /** Empty of a file's implicit plan. */
  readonly plan: string;
  readonly title: string | null;
  readonly nodes: readonly GraphNode[];
  readonly edges: readonly GraphEdge[];
}

export interface Place {
  readonly line: number;
  readonly character: number;
}

export interface Range {
  readonly start: Place;
  readonly end: Place;
}

export interface GraphNode {
  readonly id: string;
  readonly title: string | null;
  readonly shape: "task" | "fan-out" | "milestone" | "call" | "gate" | "decision";
  readonly note: string | null;
  readonly critical: boolean;
  readonly range: Range;
  readonly selectionRange: Range;
}

export interface GraphEdge {
  readonly from: number;
  readonly to: number;
  readonly kind: "need" | "route" | "arm" | "fallback";
  readonly label: string | null;
  readonly critical: boolean;
}

/** How a node went, or goes, in a run. */
export interface NodeState {
  readonly status: string;
  readonly note: string;
}

/** From the extension to the view. */
export type ToView =
  | { readonly kind: "show"; readonly graph: Graph; readonly hidden: number; readonly states: Record<string, NodeState>; readonly run: string | null }
  | { readonly kind: "empty"; readonly message: string }
  | { readonly kind: "select"; readonly id: string | null };

/** From the view to the extension. */
export type FromView = { readonly kind: "ready" } | { readonly kind: "open"; readonly id: string };

/** The innermost node whose declaration holds the line. */
export function nodeAt(graph: Graph, line: number): GraphNode | undefined {
  return graph.nodes.find((node) => node.range.start.line <= line && line <= node.range.end.line);
}

/**
 * At most `most` nodes: those nearest to the chosen one, in either direction, and the edges among them. The order of nodes is kept.
 */
export function neighbourhood(graph: Graph, chosen: string | undefined, most: number): Graph {
  if (graph.nodes.length <= most) {
    return graph;
  }
  const start = Math.max(0, graph.nodes.findIndex((node) => node.id === chosen));
  const kept = nearest(graph, start, most);
  const place = new Map([...kept].sort((a, b) => a - b).map((node, index) => [node, index]));
  const nodes = [...place.keys()].flatMap((index) => graph.nodes[index] ?? []);
  const edges = graph.edges.flatMap((edge) => {
    const from = place.get(edge.from);
    const to = place.get(edge.to);
    return from === undefined || to === undefined ? [] : [{ ...edge, from, to }];
  });
  return { ...graph, nodes, edges };
}

function nearest(graph: Graph, start: number, most: number): Set<number> {
  const around: number[][] = graph.nodes.map(() => []);
  for (const { from, to } of graph.edges) {
    around[from]?.push(to);
    around[to]?.push(from);
  }
  const kept = new Set([start]);
  // a set is gone through in the order of insertion, what is added on the way included
  for (const node of kept) {
    for (const next of around[node] ?? []) {
      if (kept.size === most) {
        return kept;
      }
      kept.add(next);
    }
  }
  return kept;
}
