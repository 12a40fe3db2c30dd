/**
 * Calls `tidy` each time so many bytes have gone through. The engine frees the buffers of a streamed body only when 64 MB
 * of them have piled up; freed as they come, they cost next to nothing, since nearly all of them are dead.
 *
 * @returns what is told of every piece, in bytes.
 */
export function tidyAfter(bytes: number, tidy: () => void): (piece: number) => void {
  let left = bytes;
  return (piece) => {
    left -= piece;
    if (left > 0) return;
    left = bytes;
    tidy();
  };
}
