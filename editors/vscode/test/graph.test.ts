import assert from "node:assert/strict";
import { test } from "node:test";
import { edgeLabel, lines, placed } from "../src/graph/layout";
import { neighbourhood, nodeAt, type Graph, type GraphEdge, type GraphNode } from "../src/graph/model";

function node(id: string, line: number, more: Partial<GraphNode> = {}): GraphNode {
  const range = { start: { line, character: 0 }, end: { line: line + 2, character: 0 } };
  return { id, title: null, shape: "task", note: null, critical: false, range, selectionRange: range, ...more };
}

function edge(from: number, to: number, more: Partial<GraphEdge> = {}): GraphEdge {
  return { from, to, kind: "need", label: null, critical: false, ...more };
}

function graph(nodes: GraphNode[], edges: GraphEdge[]): Graph {
  return { plan: "p", title: null, nodes, edges };
}

/** A chain of that many nodes. */
function chain(length: number): Graph {
  const nodes = Array.from({ length }, (_, index) => node(`n${index}`, index * 3));
  return graph(nodes, nodes.slice(1).map((_, index) => edge(index, index + 1)));
}

const measure = (text: string): number => text.length * 7;

test("what waits is drawn below what it waits for, or to its right", () => {
  const plan = graph([node("last", 0), node("first", 3), node("middle", 6)], [edge(1, 2), edge(2, 0)]);
  const down = placed(plan, "down", measure);
  const [last, first, middle] = down.nodes.map(({ at }) => at.y);
  assert.ok(first! < middle! && middle! < last!);
  const right = placed(plan, "right", measure);
  const [lastX, firstX] = right.nodes.map(({ at }) => at.x);
  assert.ok(firstX! < lastX!);
});

test("nodes do not overlap, and lie within the picture", () => {
  const nodes = Array.from({ length: 12 }, (_, index) => node(`node-${index}`, index * 3, { title: "A title of some length" }));
  const plan = graph(nodes, nodes.slice(1).map((_, index) => edge(0, index + 1)));
  const drawn = placed(plan, "down", measure);
  drawn.nodes.forEach((one, index) => {
    assert.ok(one.at.x - one.width / 2 >= 0 && one.at.x + one.width / 2 <= drawn.width);
    assert.ok(one.at.y - one.height / 2 >= 0 && one.at.y + one.height / 2 <= drawn.height);
    for (const other of drawn.nodes.slice(index + 1)) {
      const apart =
        Math.abs(one.at.x - other.at.x) >= (one.width + other.width) / 2 ||
        Math.abs(one.at.y - other.at.y) >= (one.height + other.height) / 2;
      assert.ok(apart, `${one.node.id} and ${other.node.id} overlap`);
    }
  });
});

test("two edges between the same nodes are both drawn, each with its label", () => {
  const plan = graph([node("a", 0), node("b", 3)], [edge(0, 1, { kind: "route", label: "failure" }), edge(0, 1, { kind: "fallback" })]);
  const drawn = placed(plan, "down", measure);
  assert.equal(drawn.edges.length, 2);
  assert.notDeepEqual(drawn.edges[0]?.label, drawn.edges[1]?.label);
});

test("an empty plan and a loop are drawn without complaint", () => {
  assert.deepEqual(placed(graph([], []), "down", measure).nodes, []);
  assert.equal(placed(graph([node("a", 0), node("b", 3)], [edge(0, 1), edge(1, 0)]), "down", measure).edges.length, 2);
});

test("edges say their event, condition or count", () => {
  assert.equal(edgeLabel(edge(0, 1)), "");
  assert.equal(edgeLabel(edge(0, 1, { label: "?" })), "optional");
  assert.equal(edgeLabel(edge(0, 1, { label: "2 of 3" })), "2 of 3");
  assert.equal(edgeLabel(edge(0, 1, { kind: "route", label: "timeout" })), "on timeout");
  const long = edgeLabel(edge(0, 1, { kind: "arm", label: "classify.kind == create and size > 10" }));
  assert.ok(long.endsWith("…") && long.length <= 28);
});

test("a node shows its id, its title and its worst case", () => {
  assert.deepEqual(lines(node("a", 0, { title: "Do it", note: "5m · $2.00" })), ["a", "Do it", "5m · $2.00"]);
  assert.deepEqual(lines(node("a", 0)), ["a"]);
});

test("the node at a line is the one whose declaration holds it", () => {
  const plan = chain(3);
  assert.equal(nodeAt(plan, 4)?.id, "n1");
  assert.equal(nodeAt(plan, 99), undefined);
});

test("of a large plan what is near the cursor is shown", () => {
  const part = neighbourhood(chain(1000), "n500", 11);
  assert.deepEqual(part.nodes.map(({ id }) => id), Array.from({ length: 11 }, (_, index) => `n${495 + index}`));
  assert.equal(part.edges.length, 10);
  assert.deepEqual(part.edges[0], edge(0, 1));
});

test("a small plan is shown whole, and an unknown place is its start", () => {
  const plan = chain(5);
  assert.equal(neighbourhood(plan, undefined, 5), plan);
  assert.deepEqual(neighbourhood(plan, "gone", 2).nodes.map(({ id }) => id), ["n0", "n1"]);
});
