// Bundles the extension and the graph view into dist/ (the default) or the tests into out/test/ (--tests).
import { readdirSync } from "node:fs";
import * as esbuild from "esbuild";

const has = (flag) => process.argv.includes(flag);

const common = {
  bundle: true,
  logLevel: "warning",
  minify: has("--production"),
  sourcemap: !has("--production"),
};

const node = { ...common, platform: "node", target: "node20", format: "cjs" };

const bundles = [
  { ...node, entryPoints: ["src/extension.ts"], outfile: "dist/extension.js", external: ["vscode"] },
  { ...common, platform: "browser", target: "es2022", format: "iife", entryPoints: ["src/graph/view.ts"], outfile: "dist/graph.js" },
];

const tests = {
  ...node,
  entryPoints: readdirSync("test").filter((name) => name.endsWith(".test.ts")).map((name) => `test/${name}`),
  outdir: "out/test",
  packages: "external",
  minify: false,
  sourcemap: "inline",
};

if (has("--watch")) {
  await Promise.all(bundles.map(async (bundle) => (await esbuild.context(bundle)).watch()));
} else {
  await Promise.all((has("--tests") ? [tests] : bundles).map((bundle) => esbuild.build(bundle)));
}
