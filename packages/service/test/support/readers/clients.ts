import { parseCertificates } from "../../../../sdk/src/pem.ts";
import { readJsonBody } from "../../../../sdk/src/buffered-response.ts";
import { readTrust } from "../../../../sdk/src/trust.ts";
import { parseResolvable } from "../../../../cli/src/capability/resolvable.ts";
import { readHeaderLines } from "../../../../cli/src/commands/options/header-line.ts";
import { parseArgs } from "../../../../cli/src/parse/parse-args.ts";
import { replaceFieldWithOption } from "../../../../cli/src/errors/field-option.ts";
import { isPrintable, shellWord } from "../../../../cli/src/shell.ts";
import { sanitize } from "../../../../cli/src/terminal.ts";
import type { Reader } from "./reader.ts";
import { FILE, KIB, PEM, SENTENCE, pieces, reader } from "./reader.ts";

const COMMANDS = [
  {
    name: "request",
    options: {
      header: { takes: "secret", repeats: true, short: "H", describe: "" },
      include: { takes: "switch", short: "i", describe: "" },
    },
  },
] as const;

/** Parsers of what the SDK and `capi` get. */
export const CLIENT_READERS: readonly Reader[] = [
  reader("sdk/src/pem.ts#parseCertificates", 64 * KIB, PEM, parseCertificates),
  reader("sdk/src/buffered-response.ts#readJsonBody", FILE, SENTENCE, (text) =>
    readJsonBody({ status: 200, reason: "OK", text }),
  ),
  reader("sdk/src/buffered-response.ts#readJsonBody message", FILE, SENTENCE, (text) =>
    readJsonBody({
      status: 400,
      reason: text,
      text: JSON.stringify({ message: text, error: text, code: text }),
    }),
  ),
  reader("sdk/src/trust.ts#readTrust", FILE, "name.example", (text) =>
    readTrust({ tls: { trustedCA: { [text]: PEM } } }),
  ),
  reader("cli/src/capability/resolvable.ts#parseResolvable", FILE, "cpblty://example.com/#", parseResolvable),
  reader("cli/src/capability/resolvable.ts#parseResolvable token", FILE, "Vm9n", (text) =>
    parseResolvable(`CPBLTY1-${text}`),
  ),
  reader("cli/src/commands/options/header-line.ts#readHeaderLines", FILE, "X-Name: value\n", (text) =>
    readHeaderLines([text]),
  ),
  reader("cli/src/commands/options/header-line.ts#readHeaderLines value", FILE, SENTENCE, (text) =>
    readHeaderLines([`X-Name: ${text}`]),
  ),
  reader("cli/src/parse/parse-args.ts#parseArgs", FILE, "word", (text) => parseArgs([text], COMMANDS)),
  reader("cli/src/parse/parse-args.ts#parseArgs short", FILE, "i", (text) =>
    parseArgs([`-${text}`], COMMANDS),
  ),
  reader("cli/src/parse/parse-args.ts#parseArgs many", FILE, "X-Name: value", (text) =>
    parseArgs(
      pieces(text, 8).flatMap((value) => ["-H", value]),
      COMMANDS,
    ),
  ),
  reader("cli/src/errors/field-option.ts#replaceFieldWithOption", FILE, "tls.ca: expected PEM ", (text) =>
    replaceFieldWithOption(text, { right: "export" }),
  ),
  reader("cli/src/errors/field-option.ts#replaceFieldWithOption header", FILE, "x-name", (text) =>
    replaceFieldWithOption(`headers.${text}`, { right: "export" }),
  ),
  reader("cli/src/shell.ts#shellWord", FILE, "word", shellWord),
  reader("cli/src/shell.ts#isPrintable", FILE, SENTENCE, isPrintable),
  reader("cli/src/terminal.ts#sanitize", FILE, SENTENCE, sanitize),
];
