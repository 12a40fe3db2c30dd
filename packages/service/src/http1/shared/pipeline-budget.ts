import type { PipelineLimits } from "../listener.ts";

/** The requests that wait on one connection. */
export interface PipelineShare {
  waiting: number;
  bytes: number;
}

/**
 * Counts the requests that wait. Bytes are what is allocated. Of requests that Node's server has read, that is far more than was sent: an
 * empty one of 18 bytes takes more than a kilobyte. On the fast lane what waits is not read yet, and takes the bytes that were sent.
 */
export interface PipelineBudget {
  /** @returns false if the connection must be closed: the memory for all is used up, and so is the connection's reserve. */
  reserve(share: PipelineShare, bytes: number): boolean;
  release(share: PipelineShare, bytes: number): void;
  /** The same for bytes that are not a request yet. */
  reserveBytes(share: PipelineShare, bytes: number): boolean;
  releaseBytes(share: PipelineShare, bytes: number): void;
  /** Whether the connection is not to be read for now. */
  isFull(share: PipelineShare): boolean;
  /** Whether a connection that was full may be read again. */
  hasRoom(share: PipelineShare): boolean;
}

/**
 * This many requests that have waited are carried out one after the other; then other connections get their turn. One read can have
 * thousands of requests that are refused at once, none of which waits for anything.
 */
export const REQUESTS_PER_TURN = 16;

/** Bytes that each connection may always have waiting: it must not be closed over a few plain requests because others wait. */
const RESERVED_BYTES = 16 * 1024;

/** A connection with this many bytes waiting is not read, however few requests there are. */
const MAX_BYTES_PER_CONNECTION = 256 * 1024;

export function createPipelineBudget(limits: PipelineLimits): PipelineBudget {
  let total = 0;
  const reserveBytes = (share: PipelineShare, bytes: number): boolean => {
    share.bytes += bytes;
    total += bytes;
    return total <= limits.bytes || share.bytes <= RESERVED_BYTES;
  };
  const releaseBytes = (share: PipelineShare, bytes: number): void => {
    share.bytes -= bytes;
    total -= bytes;
  };
  return {
    reserve(share, bytes) {
      share.waiting += 1;
      return reserveBytes(share, bytes);
    },
    release(share, bytes) {
      share.waiting -= 1;
      releaseBytes(share, bytes);
    },
    reserveBytes,
    releaseBytes,
    isFull: ({ waiting, bytes }) => waiting >= limits.perConnection || bytes >= MAX_BYTES_PER_CONNECTION,
    // Half of the limits, so that reading does not stop and start with each request.
    hasRoom: ({ waiting, bytes }) =>
      waiting <= limits.perConnection / 2 && bytes <= MAX_BYTES_PER_CONNECTION / 2,
  };
}
