/**
 * Removes empty and dot segments from an absolute path; a slash at the end stays. Both schemes normalize paths this way: AWS's
 * (RFC 3986 §5.2.4, and doubled slashes) and POSIX.
 */
export function removeDotSegments(path: string): string {
  const segments: string[] = [];
  for (const segment of path.split("/")) {
    if (segment === "..") segments.pop();
    else if (segment !== "" && segment !== ".") segments.push(segment);
  }
  const end = path.endsWith("/") && segments.length > 0 ? "/" : "";
  return `/${segments.join("/")}${end}`;
}
