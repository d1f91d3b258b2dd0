// Pages of rules: `dslc-rule:dependency-cycle.md`. Pure.

/** The rule that a page's path names. */
export function ruleOfPage(path: string): string {
  return path.replace(/^\//, "").replace(/\.md$/, "");
}
