import { parseMembraneOperation } from "../../../../protocol/src/operation.ts";
import { parseAddress, parseCidr } from "../../../../protocol/src/address.ts";
import { parseAuthority } from "../../../../protocol/src/authority.ts";
import { decodeBase64url } from "../../../../protocol/src/base64url.ts";
import { isFieldValue, isToken, parseMethod, trimFieldValue } from "../../../../protocol/src/http-syntax.ts";
import { printableName } from "../../../../protocol/src/result.ts";
import { parseToken } from "../../../../protocol/src/token.ts";
import { parseCapabilityUri } from "../../../../protocol/src/uri.ts";
import { createTokenFinder } from "../../../src/commands/leaked/token-finder.ts";
import type { Reader } from "./reader.ts";
import { BODY, HEAD, SENTENCE, reader } from "./reader.ts";

/** Parsers of URIs, tokens, names and addresses, wherever they are. */
export const SYNTAX_READERS: readonly Reader[] = [
  reader("protocol/src/operation.ts#parseMembraneOperation", HEAD, "delete-self", parseMembraneOperation),
  reader("protocol/src/authority.ts#parseAuthority", BODY, "name.example", parseAuthority),
  reader("protocol/src/base64url.ts#decodeBase64url", HEAD, "Vm9n", decodeBase64url),
  reader("protocol/src/http-syntax.ts#parseMethod", BODY, "GET", parseMethod),
  reader("protocol/src/http-syntax.ts#isToken", BODY, "x-name", isToken),
  reader("protocol/src/http-syntax.ts#isFieldValue", BODY, SENTENCE, isFieldValue),
  reader("protocol/src/http-syntax.ts#trimFieldValue", BODY, SENTENCE, trimFieldValue),
  reader("protocol/src/result.ts#printableName", BODY, SENTENCE, printableName),
  reader("protocol/src/token.ts#parseToken", HEAD, "CPBLTY1-Vm9n", parseToken),
  reader("service/src/commands/leaked/token-finder.ts#createTokenFinder", BODY, SENTENCE, (text) =>
    createTokenFinder().push(Buffer.from(text)),
  ),
  reader(
    "protocol/src/uri.ts#parseCapabilityUri",
    BODY,
    "cpblty://example.com/#CPBLTY1-Vm9n",
    parseCapabilityUri,
  ),
  reader("protocol/src/uri.ts#parseCapabilityUri authority", BODY, "name.example", (text) =>
    parseCapabilityUri(`cpblty://${text}/#CPBLTY1-`),
  ),
  reader("protocol/src/uri.ts#parseCapabilityUri key", BODY, "Vm9n", (text) =>
    parseCapabilityUri(`cpblty:${text}@scheme:CPBLTY1-`),
  ),
  reader("protocol/src/address.ts#parseAddress", HEAD, "2001:db8:", parseAddress),
  reader("protocol/src/address.ts#parseCidr", HEAD, "10.0.0.0/8", parseCidr),
];
