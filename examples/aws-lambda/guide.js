// Takes the curl commands out of a guide in the document's format: tabs between HTML comments, a command begins with "$ ".

/**
 * @typedef {object} Guide
 * @property {string} host the service's name in the guide
 * @property {string[]} commands the curl commands, in their order: create, export, invoke, revoke
 * @property {{ export: string, revoke: string, capability: string }} examples the tokens in the guide's answers
 */

/**
 * @param {string} text
 * @returns {Guide}
 */
export function readGuide(text) {
  const tabs = Array.from(text.matchAll(/<!--curl-->\n```\w*\n([\s\S]*?)```/g), ([, block = ""]) => block);
  const commands = tabs.map((block) => block.replace(/^\$ /, "").trim());
  const host = /https:\/\/(\S+?)[/ \\]*\\?\n/.exec(commands[0] ?? "")?.[1];
  if (host === undefined || commands.length !== 4)
    throw new Error("the guide does not have its four curl commands");
  return {
    host,
    commands,
    examples: {
      export: exampleToken(text, "export"),
      revoke: exampleToken(text, "revoke"),
      capability: exampleToken(text, "capability"),
    },
  };
}

/**
 * A command with its variables and the guide's own tokens filled in, and nothing else changed.
 *
 * @param {string} command
 * @param {Readonly<Record<string, string>>} variables
 * @param {ReadonlyMap<string, string>} tokens
 */
export function fillIn(command, variables, tokens) {
  const filled = command.replace(/\$\{?([A-Z_]+)\}?/g, (whole, name) => variables[name] ?? whole);
  return filled.replace(/CPBLTY1-[A-Za-z0-9_-]{86}/g, (token) => tokens.get(token) ?? token);
}

/**
 * @param {string} text
 * @param {string} name
 */
function exampleToken(text, name) {
  const token = new RegExp(`"${name}": "cpblty://[^#"]+#(CPBLTY1-[A-Za-z0-9_-]+)"`).exec(text)?.[1];
  if (token === undefined) throw new Error(`the guide shows no answer with "${name}"`);
  return token;
}
