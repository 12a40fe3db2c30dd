import { errorCode } from "../error-code.ts";

/** What to do about an error of the operating system. */
export const ERRNO_ADVICE: Readonly<Record<string, string>> = {
  EROFS:
    "is on a file system that is mounted read-only: mount it for writing, since a revoke must be written",
  EACCES: "may not be written by this user: give it to the user that runs the service",
  EPERM: "may not be written by this user: give it to the user that runs the service",
  ENOTDIR: "is not a directory",
  EMFILE: "cannot be opened, since this process may open no more files: raise the limit (ulimit -n)",
  ENFILE: "cannot be opened, since this machine may open no more files: raise fs.file-max",
  ENOSPC: "cannot be written, since the disk is full: free some space",
  ENOMEM: "cannot be mapped into memory: raise the limit (ulimit -v)",
};

export function explainCode(code: string): string {
  return ERRNO_ADVICE[code] ?? `cannot be used (${code})`;
}

/**
 * Explains an error with which the operating system refused a file.
 *
 * @returns the file and what to do about it; nothing for an error of which the system's own message says as much.
 */
export function explainFileError(error: unknown): string | undefined {
  const advice = ERRNO_ADVICE[errorCode(error) ?? ""];
  if (advice === undefined || !(error instanceof Error) || !("path" in error)) return undefined;
  return typeof error.path === "string" ? `${error.path} ${advice}` : undefined;
}
