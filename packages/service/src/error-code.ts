/** The code of an error of the operating system or of Node, such as `ENOENT`; nothing for any other error. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;
}

/** Whether an error has this code. */
export function hasCode(error: unknown, code: string): boolean {
  return errorCode(error) === code;
}
