/** Whether a header line is of those that describe a request, and carry no credential. */
export function isPublicHeader(line: string): boolean {
  return /^(?:accept|content-|if-|range:|user-agent:|prefer:)/i.test(line);
}
