// Parameters of a compiled plan, as a person is asked for them. Pure; `dslc run` has the last word on a value.

export interface Param {
  readonly name: string;
  readonly type: ParamType;
  readonly default?: unknown;
  readonly doc?: string;
}

export type ParamType = string | { readonly [kind: string]: unknown };

/** Neither a default nor a type that may be absent. */
export function askedFor(param: Param): boolean {
  return param.default === undefined && kindOf(param.type) !== "optional";
}

/** What is obviously wrong with a value; nothing if it may be right. */
export function checkParam(param: Param, text: string): string | undefined {
  const kind = kindOf(param.type);
  const trimmed = text.trim();
  if (kind === "int" && !/^[+-]?\d[\d_]*$/.test(trimmed)) {
    return `${param.name} is a whole number.`;
  }
  if (kind === "bool" && !/^(true|false)$/.test(trimmed)) {
    return `${param.name} is true or false.`;
  }
  const members = typeof param.type === "object" ? param.type["enum"] : undefined;
  if (Array.isArray(members) && !members.includes(trimmed)) {
    return `${param.name} is one of ${members.join(", ")}.`;
  }
  return undefined;
}

function kindOf(type: ParamType): string {
  return typeof type === "string" ? type : (Object.keys(type)[0] ?? "");
}
