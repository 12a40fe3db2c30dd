// Go's ReverseProxy, which checks nothing and sends a header of its own. Arguments: the target's port; and "sigv4", to sign each
// request with AWS Signature Version 4. Prints its port. Standard library only, of Go 1.19 or later.
package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"
)

const (
	accessKeyID = "AKIDEXAMPLE"
	secretKey   = "secret"
	region      = "us-east-1"
	service     = "lambda"
	signedNames = "host;x-amz-content-sha256;x-amz-date"
	emptySHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
)

func main() {
	target := &url.URL{Scheme: "http", Host: "127.0.0.1:" + os.Args[1]}
	direct := replaceAuthorization
	if len(os.Args) > 2 && os.Args[2] == "sigv4" {
		direct = (&signer{}).sign
	}
	proxy := &httputil.ReverseProxy{
		Director: func(request *http.Request) {
			request.URL.Scheme = target.Scheme
			request.URL.Host = target.Host
			request.Host = target.Host
			direct(request)
		},
		Transport: &http.Transport{MaxIdleConns: 256, MaxIdleConnsPerHost: 256, DisableCompression: true},
		// A client that disconnects when the measurement is over is no error.
		ErrorLog: log.New(io.Discard, "", 0),
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(map[string]int{"port": listener.Addr().(*net.TCPAddr).Port}); err != nil {
		log.Fatal(err)
	}
	log.Fatal(http.Serve(listener, proxy))
}

func replaceAuthorization(request *http.Request) {
	request.Header.Set("Authorization", "replaced")
}

// signer derives the signing key once a day, as SDKs do.
type signer struct {
	mutex sync.Mutex
	day   string
	key   []byte
}

// sign signs a request without a body: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
func (s *signer) sign(request *http.Request) {
	now := time.Now().UTC()
	day, dateTime := now.Format("20060102"), now.Format("20060102T150405Z")
	header := request.Header
	header.Set("X-Amz-Date", dateTime)
	header.Set("X-Amz-Content-Sha256", emptySHA256)
	canonical := strings.Join([]string{
		request.Method,
		request.URL.EscapedPath(),
		request.URL.Query().Encode(),
		"host:" + request.Host,
		"x-amz-content-sha256:" + emptySHA256,
		"x-amz-date:" + dateTime,
		"",
		signedNames,
		emptySHA256,
	}, "\n")
	scope := day + "/" + region + "/" + service + "/aws4_request"
	digest := sha256.Sum256([]byte(canonical))
	text := "AWS4-HMAC-SHA256\n" + dateTime + "\n" + scope + "\n" + hex.EncodeToString(digest[:])
	signature := hex.EncodeToString(mac(s.keyOf(day), text))
	header.Set("Authorization", fmt.Sprintf("AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s",
		accessKeyID, scope, signedNames, signature))
}

func (s *signer) keyOf(day string) []byte {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.day != day {
		key := []byte("AWS4" + secretKey)
		for _, part := range []string{day, region, service, "aws4_request"} {
			key = mac(key, part)
		}
		s.day, s.key = day, key
	}
	return s.key
}

func mac(key []byte, text string) []byte {
	hash := hmac.New(sha256.New, key)
	hash.Write([]byte(text))
	return hash.Sum(nil)
}
