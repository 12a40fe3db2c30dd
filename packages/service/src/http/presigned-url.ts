/** Keys that only presigned URLs have: Signature Version 4 and 2. */
const PRESIGNED_KEY = /(?:^|&)(?:x-amz-|awsaccesskeyid=)/i;

/** Whether a query is that of a presigned URL of AWS. */
export function isPresignedQuery(query: string): boolean {
  return PRESIGNED_KEY.test(query);
}
