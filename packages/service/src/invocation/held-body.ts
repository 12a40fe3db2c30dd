import type { IncomingMessage } from "node:http";
import { Slabs } from "../collections/slabs.ts";
import type { Denial } from "../domain/denial.ts";
import type { BodyOptions } from "./request-body.ts";
import { RequestBody, RequesterGoneError, RequesterSilentError } from "./request-body.ts";

/** A complete body in memory, until it is released. */
export interface HeldBody {
  /** In order; none if the body is empty. */
  readonly pieces: readonly Buffer[];
  /** In bytes. */
  readonly length: number;
  release(): void;
}

/** What one body takes from a shared budget. */
export interface BodyShare {
  /** Takes so many more bytes, which must be given back. @returns why there is no room, or nothing. */
  take(bytes: number): Denial | undefined;
  giveBack(bytes: number): void;
}

export interface HoldOptions {
  /** Length of the body in bytes, if the client declares it. */
  readonly expected?: number | undefined;
  /** Longest body in bytes; the rest of a longer one is not read. */
  readonly limit: number;
  /** Charged for what is allocated, up to twice the length of the body. */
  readonly share: BodyShare;
}

/** Reads a whole body into memory. */
export function holdBody(
  request: IncomingMessage,
  options: BodyOptions,
  { expected, limit, share }: HoldOptions,
): Promise<HeldBody | "too_long" | "requester_left" | "requester_silent" | { readonly refused: Denial }> {
  const body = new RequestBody(request, options);
  const slabs = new Slabs(expected);
  let refused: Denial | undefined;
  const mayAllocate = (bytes: number): boolean => (refused = share.take(bytes)) === undefined;

  return new Promise((resolve, reject) => {
    let isOver = false;
    const give = (how: "too_long" | "requester_left" | "requester_silent" | { refused: Denial }): void => {
      if (isOver) return;
      isOver = true;
      share.giveBack(slabs.allocated);
      slabs.take();
      body.destroy();
      resolve(how);
    };
    body.on("data", (piece: Buffer) => {
      if (isOver) return;
      if (slabs.length + piece.length > limit) return give("too_long");
      if (!slabs.append(piece, mayAllocate) && refused !== undefined) give({ refused });
    });
    body.on("end", () => {
      if (isOver) return;
      isOver = true;
      const { length, allocated } = slabs;
      resolve({ pieces: slabs.take(), length, release: () => share.giveBack(allocated) });
    });
    body.on("error", (error) => {
      if (error instanceof RequesterGoneError) return give("requester_left");
      if (error instanceof RequesterSilentError) return give("requester_silent");
      give("requester_left");
      reject(error);
    });
  });
}
