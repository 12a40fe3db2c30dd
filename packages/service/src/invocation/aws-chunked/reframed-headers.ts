import { err, ok } from "capability-protocol";
import type { AwsChunkedFraming } from "capability-protocol/signers";
import type { Outcome } from "../../domain/denial.ts";
import { invalid } from "../../domain/denial.ts";
import type { BodyFraming } from "../../http1/downstream.ts";
import { valuesOf } from "../raw-headers.ts";
import type { PreparedTarget } from "../prepared-target.ts";
import type { ShapedRequest } from "../shape.ts";
import type { KeptPart } from "./kept-part.ts";

/** Makes a request's headers describe its body as it is sent: those of the client, and those that the target configures. */
export function reframeHeaders(
  target: Pick<PreparedTarget, "headers" | "headerNames">,
  clientHeaders: readonly string[],
  framing: AwsChunkedFraming,
  part: KeptPart,
  body: BodyFraming,
): Outcome<Pick<ShapedRequest, "targetHeaders" | "clientHeaders">> {
  for (const name of framing.trailerNames) {
    // The trailer would be a second value of the target's header.
    if (target.headerNames.has(name)) return err({ reason: "header_not_allowed", name });
    if (valuesOf(clientHeaders, name).length > 0) return invalid(name, "a header or a trailer, not both");
  }
  if (part === "content") {
    return ok({
      targetHeaders: withoutAwsChunked(target.headers),
      clientHeaders: [...withoutAwsChunked(clientHeaders), "Content-Length", String(framing.decodedLength)],
    });
  }
  // Without their signatures, chunks have a length that is not known yet.
  const isLengthKept = body.kind === "length" && !framing.isSigned;
  const length = isLengthKept ? ["Content-Length", String(body.length)] : [];
  return ok({ targetHeaders: target.headers, clientHeaders: [...clientHeaders, ...length] });
}

function withoutAwsChunked(headers: readonly string[]): readonly string[] {
  const kept: string[] = [];
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const [name = "", value = ""] = headers.slice(i, i + 2);
    if (name.toLowerCase() !== "content-encoding") {
      kept.push(name, value);
      continue;
    }
    const others = otherCodings(value);
    if (others !== "") kept.push(name, others);
  }
  return kept;
}

function otherCodings(contentEncoding: string): string {
  const codings = contentEncoding.split(",").map((coding) => coding.trim());
  return codings.filter((coding) => coding.toLowerCase() !== "aws-chunked").join(",");
}
