import type { Outcome } from "../domain/denial.ts";
import { invalid, PASSED } from "../domain/denial.ts";
import type { Resolution } from "../invocation/resolve.ts";

export interface VirtualHostContext {
  /** Tells whether a `Host` is a name below one of this service's authorities. */
  readonly isBelowOwn: (host: string) => boolean;
}

/**
 * Refuses a bucket in the host name. S3's clients then leave it out of the path, whose first segment would be taken for the bucket.
 * A target of another authority may be one of S3, which is not known here.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html
 */
export function checkVirtualHost(
  { isBelowOwn }: VirtualHostContext,
  { host }: { readonly host: string },
  { upstream }: Pick<Resolution, "upstream">,
): Outcome<undefined> {
  if (upstream === undefined) return PASSED;
  const { isS3, isMembraneService } = upstream.target;
  return (isS3 || isMembraneService) && isBelowOwn(host)
    ? invalid("Host", "the path style: set addressing_style = path, or forcePathStyle")
    : PASSED;
}
