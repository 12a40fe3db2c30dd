// Extracts the code of a guide in the document's format: groups of tabs between HTML comments, one group for each step.

/** @typedef {"capi" | "curl" | "node.js" | "capability-sdk-js"} Tab */

/**
 * The tabs of a guide, and the interpreters of their code.
 *
 * @type {ReadonlyMap<Tab, "bash" | "node">}
 */
export const TABS = new Map([
  ["capi", "bash"],
  ["curl", "bash"],
  ["node.js", "node"],
  ["capability-sdk-js", "node"],
]);

/**
 * @typedef {object} Guide
 * @property {string} host the service's name in the guide
 * @property {ReadonlyMap<string, string>[]} steps create, export, invoke, revoke: the code by tab
 * @property {{ export: string, revoke: string, capability: string }} examples the tokens in the guide's responses
 */

const STEPS = 4;

/**
 * @param {string} text
 * @returns {Guide}
 */
export function readGuide(text) {
  const groups = text.matchAll(/<!--DOCUSAURUS_CODE_TABS-->\n([\s\S]*?)<!--END_DOCUSAURUS_CODE_TABS-->/g);
  const steps = Array.from(groups, ([, group = ""]) => readTabs(group));
  const host = /"export": "cpblty:\/\/([^/]+)\//.exec(text)?.[1];
  if (host === undefined || steps.length !== STEPS) throw new Error("the guide does not have its four steps");
  return {
    host,
    steps,
    examples: {
      export: exampleToken(text, "export"),
      revoke: exampleToken(text, "revoke"),
      capability: exampleToken(text, "capability"),
    },
  };
}

/**
 * Returns the code of a step for a tab. Where capi has none, it is that of curl, since a capability needs no special client.
 *
 * @param {ReadonlyMap<string, string> | undefined} step
 * @param {Tab} tab
 * @returns {{ language: "bash" | "node", code: string }}
 */
export function codeOf(step, tab) {
  const shown = tab === "capi" && step?.has(tab) === false ? "curl" : tab;
  const code = step?.get(shown);
  const language = TABS.get(shown);
  if (code === undefined || language === undefined)
    throw new Error(`a step of the guide has no tab ${shown}`);
  return { language, code };
}

/**
 * Replaces the variables and the guide's tokens in the code, and nothing else.
 *
 * @param {string} code
 * @param {Readonly<Record<string, string>>} variables
 * @param {ReadonlyMap<string, string>} tokens
 */
export function fillIn(code, variables, tokens) {
  const filled = code.replace(/\$\{?([A-Z_]+)\}?/g, (whole, name) => variables[name] ?? whole);
  return filled.replace(/CPBLTY1-[A-Za-z0-9_-]{86}/g, (token) => tokens.get(token) ?? token);
}

/** @param {string} group */
function readTabs(group) {
  const tabs = group.matchAll(/<!--(\S+)-->\n```\w*\n([\s\S]*?)```/g);
  return new Map(Array.from(tabs, ([, name = "", block = ""]) => [name, block.replace(/^\$ /, "").trim()]));
}

/**
 * @param {string} text
 * @param {string} name
 */
function exampleToken(text, name) {
  const token = new RegExp(`"${name}": "cpblty://[^#"]+#(CPBLTY1-[A-Za-z0-9_-]+)"`).exec(text)?.[1];
  if (token === undefined) throw new Error(`the guide shows no response with "${name}"`);
  return token;
}
