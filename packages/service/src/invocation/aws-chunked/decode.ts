import type { Readable, TransformCallback } from "node:stream";
import { Transform, pipeline } from "node:stream";
import type { Problem, Result } from "capability-protocol";
import { InvalidBodyError } from "../request-body.ts";
import type { AwsChunkedReader } from "./reader.ts";

/** Returns the part of an aws-chunked body that the reader keeps. Either stream ends with the other. */
export function decodeAwsChunked(body: Readable, reader: AwsChunkedReader): Readable {
  const kept = new Transform({
    // No more than one piece waits on each side, since pieces would be counted only by their bytes.
    highWaterMark: 1,
    transform: (chunk: Buffer, _encoding, done) => settle(reader.read(chunk), done),
    flush: (done) => settle(reader.end(), done),
  });
  pipeline(body, kept, ignoreError);
  return kept;
}

function settle(read: Result<Buffer, Problem>, done: TransformCallback): void {
  if (read.ok) done(null, read.value);
  else done(new InvalidBodyError(read.error));
}

/** The stream reports errors to its reader. */
function ignoreError(): void {}
