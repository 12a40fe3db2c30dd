import { PassThrough } from "node:stream";
import fc from "fast-check";
import { expect, test } from "vitest";
import { makeCapability } from "../test/support/capabilities.ts";
import { readCommandLine } from "./read-command-line.ts";
import { toCliError } from "./errors/to-cli-error.ts";
import { createSecretReader } from "./secret.ts";
import { formatError } from "./terminal.ts";
import { COMMANDS } from "./commands/commands.ts";

const CANARY = "Sw0rdfish/7";
const TOKEN = makeCapability().slice(-94);

/** Texts with a secret, as they can appear in options and next to them. */
const TEXTS = [
  CANARY,
  `--${CANARY}`,
  `-${CANARY}`,
  `X-Key: ${CANARY}`,
  `${CANARY}: x`,
  `cpblty://localhost/#${TOKEN}`,
  TOKEN,
  `--${TOKEN}`,
  `-----BEGIN PRIVATE KEY-----\n${CANARY}`,
];

const text = fc.constantFrom(...TEXTS);
const spec = fc.constantFrom(...COMMANDS);

const commandLine = spec.chain(({ name, options }) => {
  // An export without a membrane is refused before its other options are read.
  const begin = name === "membrane export" ? `${name} --id=m --uri=https://a.test/` : name;
  const option = fc
    .constantFrom(...Object.keys(options), "help-me", "id", "header", "header")
    .map((word) => `--${word}`);
  const piece = fc.oneof(
    fc.tuple(option, text),
    fc.tuple(option, text).map(([word, value]) => [`${word}=${value}`]),
    fc.tuple(option),
    fc.tuple(text),
    fc.tuple(fc.constantFrom("-X", "-H", "-i", "-o", "-z"), text).map(([word, value]) => [`${word}${value}`]),
  );
  return fc
    .array(piece, { maxLength: 6 })
    .map((pieces): readonly string[] => begin.split(" ").concat(pieces.flat()));
});

test("no error repeats a secret, at any place in the command line", async () => {
  await fc.assert(
    fc.asyncProperty(commandLine, async (args) => {
      const refusal: unknown = await readCommandLine(args, {
        version: "",
        openSecrets: () => createSecretReader(new PassThrough().end()),
      }).then(
        () => undefined,
        (error: unknown) => error,
      );
      if (refusal === undefined) return;
      const shown = formatError(toCliError(refusal), false);
      expect(shown).not.toContain("internal error in capi");
      expect(shown).not.toContain("Sw0rd");
      expect(shown).not.toContain(TOKEN.slice(8, 24));
    }),
    { numRuns: 1_000 },
  );
});
