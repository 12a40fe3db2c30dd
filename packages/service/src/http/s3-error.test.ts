import fc from "fast-check";
import { expect, test } from "vitest";
import { formatS3Error } from "./s3-error.ts";
import { wireError } from "./wire-error.ts";

/** Reads as clients do: the text of two elements of known names, with the five entities of XML. */
const S3_ERROR =
  /^<\?xml version="1\.0" encoding="UTF-8"\?>\n<Error><Code>(\w+)<\/Code><Message>([^<>"']*)<\/Message><\/Error>$/u;
const ENTITIES = { "&amp;": "&", "&lt;": "<", "&gt;": ">", "&quot;": '"', "&apos;": "'" };

function parse(xml: string): { readonly code: string; readonly message: string } {
  const [, code = "", escaped = ""] = S3_ERROR.exec(xml) ?? [];
  expect(escaped.replaceAll(/&(?:amp|lt|gt|quot|apos);/g, "")).not.toContain("&");
  const message = escaped.replaceAll(
    /&\w+;/g,
    (entity) => Object.entries(ENTITIES).find(([key]) => key === entity)![1],
  );
  return { code, message };
}

test.each([
  [{ reason: "query_not_allowed", key: "acl" }, "AccessDenied"],
  [{ reason: "malformed_request", message: "why" }, "InvalidRequest"],
  [{ reason: "path_not_found" }, "InvalidURI"],
  [{ reason: "capability_concurrency_exceeded", limitName: "bufferedBytesTotal" }, "SlowDown"],
  [{ reason: "signed_body_too_large", limit: 7 }, "EntityTooLarge"],
  [{ reason: "request_timeout" }, "RequestTimeout"],
  [{ reason: "redirect_not_passed" }, "ServiceUnavailable"],
  [{ reason: "target_timeout" }, "ServiceUnavailable"],
  [{ reason: "service_overloaded", limitName: "maxConcurrentInvocations" }, "ServiceUnavailable"],
] as const)("%j has the code %s of S3, and names this service's code in the message", (denial, code) => {
  const error = wireError(denial);
  const { message, code: own } = error.body;
  expect(parse(formatS3Error(error))).toEqual({ code, message: `${message} (${own})` });
});

test("whatever a message holds, it is text of one element, without characters that XML has not", () => {
  const characters = fc.constantFrom(
    "<",
    ">",
    "&",
    '"',
    "'",
    "]]>",
    "\0",
    "\u001b",
    "\ud800",
    "\uffff",
    "é",
    "😀",
    "\n",
    "a",
  );
  fc.assert(
    fc.property(fc.array(characters, { maxLength: 20 }), (parts) => {
      const message = parts.join("");
      const { body } = wireError({ reason: "path_not_found" });
      const parsed = parse(formatS3Error({ status: 404, body: { ...body, message } }));
      expect(parsed.message).toBe(`${Array.from(message, replaceForbidden).join("")} (path_not_found)`);
    }),
  );
});

const replaceForbidden = (character: string): string =>
  ["\0", "\u001b", "\ud800", "\uffff"].includes(character) ? "\ufffd" : character;
