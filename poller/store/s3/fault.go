package s3

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/bittrance/kitops/poller/store/bucket"
)

// fault tells what an error means, by its code: servers answer the same code with one status or another. The codes are those of
// "Error responses" in the API reference of Amazon S3, and what other servers were seen to say. It asks with the permission need.
func (b *Bucket) fault(ctx context.Context, need string, err error) *bucket.Error {
	e := &bucket.Error{Err: err}
	if ctx.Err() != nil {
		e.Err = ctx.Err()
		return e
	}
	var (
		response *smithyhttp.ResponseError
		api      smithy.APIError
		header   http.Header
		code     string
		status   int
	)
	if errors.As(err, &response) && response.Response != nil {
		status, header = response.HTTPStatusCode(), response.Response.Header
		e.Now = dateOf(header)
	}
	if errors.As(err, &api) {
		code = api.ErrorCode()
		e.Err = fmt.Errorf("%s %d: %s", code, status, api.ErrorMessage())
	}
	var (
		missing *bucket.CredentialsError
		unsent  *smithyhttp.RequestSendError
	)
	switch {
	case errors.As(err, &missing): // nothing to sign with, whatever was asked for it
		return &bucket.Error{Problem: missing.Error()}
	case b.location.Region == "":
		return &bucket.Error{Fault: bucket.Refused, Problem: fmt.Sprintf("the region of %s is not known: add ?region=REGION, or set AWS_REGION", b)}
	case errors.As(err, &unsent):
		e.Err = unsent.Err
	}
	if known := b.byCode(e, code, need, header); known || status == 0 {
		return e
	}
	b.byStatus(e, status, header)
	return e
}

func (b *Bucket) byCode(e *bucket.Error, code, need string, header http.Header) bool {
	refused := func(problem string) bool {
		e.Fault, e.Problem = bucket.Refused, problem
		return true
	}
	switch code {
	case "NoSuchKey", "NotFound":
		e.Fault = bucket.Missing
	case "PreconditionFailed":
		e.Fault = bucket.Changed
	case "ConditionalRequestConflict", "OperationAborted":
		e.Fault = bucket.Busy
	case "RequestTimeTooSkewed":
		e.Fault, e.Problem = bucket.Skewed, fmt.Sprintf("this clock and that of %s differ by %s", b, time.Since(e.Now).Round(time.Second))
	case "ExpiredToken", "ExpiredTokenException", "InvalidAccessKeyId", "InvalidToken", "TokenRefreshRequired", "SignatureDoesNotMatch":
		b.credentials.Forget()
		e.Fault, e.Problem = bucket.Stale, fmt.Sprintf("%s does not take the credentials of %s", b, b.credentials.Source())
	case "NotImplemented", "NotSupported":
		return refused(fmt.Sprintf("the server of %s does not know the conditions that kitops writes with (If-None-Match, If-Match): use another one", b))
	case "NoSuchBucket":
		return refused(fmt.Sprintf("%s is not there: make the bucket, or name another", b))
	case "AccessDenied", "AccountProblem", "AllAccessDisabled":
		return refused(fmt.Sprintf("%s refuses %s to the credentials of %s: the policy that kitops needs is in docs/many-instances.md; without s3:ListBucket an object that is not there is refused, too", b, need, b.credentials.Source()))
	case "PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "MovedPermanently":
		return refused(b.elsewhere(header))
	case "EntityTooLarge":
		return refused(fmt.Sprintf("%s takes no object of that size", b))
	case "SlowDown", "ServiceUnavailable", "InternalError", "RequestTimeout", "503":
		e.Problem = fmt.Sprintf("%s is overloaded or out of order", b)
	default:
		return false
	}
	return true
}

// byStatus is for answers without a code, or with one that only their server knows.
func (b *Bucket) byStatus(e *bucket.Error, status int, header http.Header) {
	switch {
	case status == http.StatusPreconditionFailed:
		e.Fault = bucket.Changed
	case status == http.StatusConflict:
		e.Fault = bucket.Busy
	case status == http.StatusMovedPermanently, status == http.StatusTemporaryRedirect:
		e.Fault, e.Problem = bucket.Refused, b.elsewhere(header)
	case status >= http.StatusBadRequest && status < http.StatusInternalServerError && status != http.StatusRequestTimeout && status != http.StatusTooManyRequests:
		e.Fault, e.Problem = bucket.Refused, fmt.Sprintf("%s refuses", b)
	}
}

func (b *Bucket) elsewhere(header http.Header) string {
	if region := header.Get("X-Amz-Bucket-Region"); region != "" {
		return fmt.Sprintf("%s is in %s: add ?region=%s", b, region, region)
	}
	return fmt.Sprintf("%s is not in the region %s, or not at this endpoint: name them by ?region= and &endpoint=", b, b.location.Region)
}
