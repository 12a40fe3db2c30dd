/** How many bytes of bodies pass from one collection to the next. */
export const GC_INTERVAL_BYTES: number = 8 * 1024 * 1024;

/** Smaller chunks, in bytes, leave so much garbage on the heap that the engine itself collects soon enough. */
export const MIN_COUNTED_CHUNK_BYTES: number = 4 * 1024;

/**
 * The engine frees the buffers of a streamed body only when 64 MB of them have piled up. Collected as they come, they
 * cost next to nothing: nearly all of them are dead, and a collection of young objects pays only for the living.
 *
 * @returns a function to call with the size of every piece, in bytes.
 */
export function createYoungGcTrigger(runYoungGc: () => void): (bytes: number) => void {
  let remaining = GC_INTERVAL_BYTES;
  return (bytes) => {
    remaining -= bytes;
    if (remaining > 0) return;
    remaining = GC_INTERVAL_BYTES;
    runYoungGc();
  };
}
