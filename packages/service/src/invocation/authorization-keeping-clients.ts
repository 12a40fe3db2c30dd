/**
 * Products of a `User-Agent` that send `Authorization` again to any host that a redirect leads to. Sources:
 *
 * - run against a redirect to another host: aria2 1.36, Apache HttpClient 5.1, git 2.39 (it drops the header from the request that
 *   is redirected, and sends it with the next one to the new host), Java 17's `java.net.http`, libwww-perl 6.68 with `lwp-request`,
 *   urllib of Python 3.11, Wget 1.21, Wget2 1.99, open-uri of Ruby 3.1 (`Ruby` alone, as all of Ruby's Net::HTTP);
 * - source: JGit (`TransportHttp.connect` and `httpOpen`);
 * - reports: rest-client (rest-client#832), nahi/httpclient (#401), AsyncHttpClient (GHSA-cmxv-58fp-fm3g).
 *
 * A product is found anywhere, since libraries and their users name each other in either order. `git/` also begins the names of
 * libgit2, go-git, dulwich and isomorphic-git.
 */
const AUTHORIZATION_KEEPING_CLIENT =
  /(?:^|[ (;,])(?:AHC|Apache-HttpClient|aria2|git|HTTPClient|Java-http-client|JGit|libwww-perl|lwp-request|Python-urllib|rest-client|Wget2?)\/|^Ruby$/i;

/** Whether a client would present a token in `Authorization` to the host of a redirect. Any other client is trusted to drop it. */
export function keepsAuthorization(userAgent: string): boolean {
  return AUTHORIZATION_KEEPING_CLIENT.test(userAgent);
}
