import type { BodyFraming } from "../http1/downstream.ts";
import type { HeadFields } from "./head-fields.ts";

const NO_BODY: BodyFraming = { kind: "none" };
const CHUNKED_BODY: BodyFraming = { kind: "chunked" };

/** @returns nothing if two parsers could find another end of the body. */
export function readFraming(
  { codings, coding, length }: Pick<HeadFields, "codings" | "coding" | "length">,
  version: string,
): BodyFraming | undefined {
  if (codings > 0) {
    const isPlain = codings === 1 && coding.trim().toLowerCase() === "chunked";
    return isPlain && version === "1.1" ? CHUNKED_BODY : undefined;
  }
  // Node has checked that there is one line, and that it has digits only.
  const bytes = Number(length ?? "0");
  // A number without an exact representation would be forwarded as another number.
  if (!Number.isSafeInteger(bytes)) return undefined;
  return bytes === 0 ? NO_BODY : { kind: "length", length: bytes };
}
