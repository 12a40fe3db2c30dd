// Lint rules of this project.
import { layers } from "./layers.js";
import { superLinearShape } from "./regex-shape.js";
import { urlParsing } from "./url-parsing.js";

/**
 * Returns the text of a pattern in the code; an expression in a template counts as one character.
 *
 * @param {any} node
 * @returns {string | undefined}
 */
function patternOf(node) {
  if (node?.type === "Literal" && typeof node.value === "string") return node.value;
  if (node?.type !== "TemplateLiteral") return undefined;
  return node.quasis.map((/** @type {any} */ { value }) => value.cooked).join("0");
}

const linearRegex = {
  meta: {
    type: "problem",
    docs: {
      description: "Regular expressions run on texts of clients and targets, so their time must be linear",
    },
  },
  /** @param {any} context */
  create(context) {
    /** @param {any} node @param {string} pattern @param {string} flags */
    const check = (node, pattern, flags) => {
      const problem = superLinearShape(pattern, flags);
      if (problem === undefined) return;
      context.report({
        node,
        message: `${problem}. For some texts this expression takes more than linear time: write a loop, or bound the run.`,
      });
    };
    /** @param {any} node */
    const checkConstructor = (node) => {
      const pattern = node.callee.name === "RegExp" ? patternOf(node.arguments[0]) : undefined;
      if (pattern !== undefined) check(node, pattern, patternOf(node.arguments[1]) ?? "");
    };
    return {
      /** @param {any} node */
      Literal(node) {
        if (node.regex !== undefined && node.regex !== null)
          check(node, node.regex.pattern, node.regex.flags);
      },
      NewExpression: checkConstructor,
      CallExpression: checkConstructor,
    };
  },
};

const noTestkit = {
  meta: {
    type: "problem",
    docs: { description: "Code that is published or runs in production does not import the testkit" },
  },
  /** @param {any} context */
  create(context) {
    /** @param {any} node */
    const check = (node) => {
      if (
        typeof node.source?.value !== "string" ||
        !/(?:^|\/)(?:membrane-)?testkit(?:\/|$)/.test(node.source.value)
      )
        return;
      context.report({ node, message: "Only tests and the bench may import the testkit." });
    };
    return {
      ImportDeclaration: check,
      ImportExpression: check,
      ExportNamedDeclaration: check,
      ExportAllDeclaration: check,
    };
  },
};

export default {
  meta: { name: "membrane" },
  rules: { layers, "linear-regex": linearRegex, "no-testkit": noTestkit, "url-parsing": urlParsing },
};
