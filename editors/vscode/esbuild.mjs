// Bundles the extension into dist/ (the default) or its tests into out/test/ (--tests).
import { readdirSync } from "node:fs";
import * as esbuild from "esbuild";

const has = (flag) => process.argv.includes(flag);

const common = {
  bundle: true,
  platform: "node",
  target: "node20",
  format: "cjs",
  logLevel: "warning",
};

const extension = {
  ...common,
  entryPoints: ["src/extension.ts"],
  outfile: "dist/extension.js",
  external: ["vscode"],
  minify: has("--production"),
  sourcemap: !has("--production"),
};

const tests = {
  ...common,
  entryPoints: readdirSync("test").filter((name) => name.endsWith(".test.ts")).map((name) => `test/${name}`),
  outdir: "out/test",
  packages: "external",
  sourcemap: "inline",
};

if (has("--watch")) {
  await (await esbuild.context(extension)).watch();
} else {
  await esbuild.build(has("--tests") ? tests : extension);
}
