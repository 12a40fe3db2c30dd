import type { Readable } from "node:stream";
import type { Result } from "capability-protocol";
import { err, ok } from "capability-protocol";
import { Slabs } from "../collections/slabs.ts";
import type { Denial } from "../domain/denial.ts";
import { ClientDisconnectedError, denialForBodyError } from "./request-body.ts";

/** A complete body in memory, until it is released. */
export interface BufferedBody {
  /** In order; none if the body is empty. */
  readonly chunks: readonly Buffer[];
  /** In bytes. */
  readonly length: number;
  release(): void;
}

/** What one body takes from a shared budget. */
export interface BufferShare {
  /** Takes this many more bytes, which must be given back. @returns why there is no room, or nothing. */
  reserve(bytes: number): Denial | undefined;
  release(bytes: number): void;
}

export interface BufferOptions {
  /** Length of the body in bytes, if the client declares it. */
  readonly expected?: number | undefined;
  /** Longest body in bytes; the rest of a longer one is not read. */
  readonly limit: number;
  /** The refusal of a longer body. */
  readonly tooLarge: Denial;
  /** Reserves what is allocated, up to twice the length of the body. */
  readonly share: BufferShare;
}

/** Why a body is not in memory. A client that has disconnected gets no response. */
export type BodyError =
  | { readonly kind: "client_disconnected" }
  | { readonly kind: "refused"; readonly denial: Denial };

/** Reads a whole body of a client into memory. */
export function bufferBody(
  body: Readable,
  { expected, limit, tooLarge, share }: BufferOptions,
): Promise<Result<BufferedBody, BodyError>> {
  const slabs = new Slabs(expected);
  let refused: Denial | undefined;
  const mayAllocate = (bytes: number): boolean => (refused = share.reserve(bytes)) === undefined;

  return new Promise((resolve, reject) => {
    let isSettled = false;
    const giveUp = (): void => {
      if (isSettled) return;
      isSettled = true;
      share.release(slabs.allocated);
      slabs.take();
      body.destroy();
    };
    const fail = (error: BodyError): void => {
      giveUp();
      resolve(err(error));
    };
    const refuse = (denial: Denial): void => fail({ kind: "refused", denial });
    body.on("data", (chunk: Buffer) => {
      if (isSettled) return;
      if (slabs.length + chunk.length > limit) return refuse(tooLarge);
      if (!slabs.append(chunk, mayAllocate) && refused !== undefined) refuse(refused);
    });
    body.on("end", () => {
      if (isSettled) return;
      isSettled = true;
      const { length, allocated } = slabs;
      resolve(ok({ chunks: slabs.take(), length, release: () => share.release(allocated) }));
    });
    body.on("error", (error) => {
      if (error instanceof ClientDisconnectedError) return fail({ kind: "client_disconnected" });
      const denial = denialForBodyError(error);
      if (denial !== undefined) return refuse(denial);
      // A fault of the service.
      giveUp();
      reject(error);
    });
  });
}
