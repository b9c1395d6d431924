package azblob

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/storage/azblob/bloberror"

	"github.com/bittrance/kitops/poller/store/bucket"
)

const mostSkew = 10 * time.Minute // of the 15 that Azure allows

// fault tells what an error means, by its code ("Blob service error codes" in the REST API reference of Azure Storage).
func (c *Container) fault(ctx context.Context, err error) *bucket.Error {
	e := &bucket.Error{Err: err}
	var (
		answer  *azcore.ResponseError
		missing *bucket.CredentialsError
		unsent  *url.Error
	)
	switch {
	case ctx.Err() != nil:
		e.Err = ctx.Err()
	case errors.As(err, &missing):
		return &bucket.Error{Problem: missing.Error()}
	case errors.As(err, &answer):
		e.Err = fmt.Errorf("%d %s", answer.StatusCode, answer.ErrorCode)
		if answer.RawResponse != nil {
			e.Now = dateOf(answer.RawResponse.Header)
		}
		c.byCode(e, bloberror.Code(answer.ErrorCode), answer.StatusCode)
	case errors.As(err, &unsent):
		e.Err = unsent.Err // without the URL, which may have a signature in it
	}
	return e
}

func (c *Container) byCode(e *bucket.Error, code bloberror.Code, status int) {
	refused := func(problem string) { e.Fault, e.Problem = bucket.Refused, problem }
	switch code {
	case bloberror.BlobNotFound, bloberror.ResourceNotFound:
		e.Fault = bucket.Missing
	case bloberror.ConditionNotMet, bloberror.TargetConditionNotMet, bloberror.BlobAlreadyExists, bloberror.ResourceAlreadyExists:
		e.Fault = bucket.Changed
	case bloberror.ContainerNotFound, bloberror.ContainerDisabled:
		refused(fmt.Sprintf("%s is not there: make the container, or name another", c))
	case bloberror.AuthorizationPermissionMismatch, bloberror.AuthorizationFailure, bloberror.InsufficientAccountPermissions:
		refused(fmt.Sprintf("%s refuses the credentials of %s: they need the role Storage Blob Data Contributor on the container, also where they have Owner; a new role counts after up to 10 minutes", c, c.credentials.Source()))
	case bloberror.AuthenticationFailed, "InvalidAuthenticationInfo", "NoAuthenticationInformation":
		if skew := time.Since(e.Now); !e.Now.IsZero() && skew.Abs() > mostSkew {
			refused(fmt.Sprintf("this clock and that of %s differ by %s: set this one", c, skew.Round(time.Second)))
			return
		}
		c.credentials.Forget()
		e.Fault, e.Problem = bucket.Stale, fmt.Sprintf("%s does not take the credentials of %s", c, c.credentials.Source())
	case "LeaseIdMissing", "LeaseIdMismatchWithBlobOperation":
		refused(fmt.Sprintf("a blob of %s is under a lease of Azure's own, which kitops does not use: break it", c))
	case bloberror.BlobImmutableDueToPolicy, bloberror.BlobArchived:
		refused(fmt.Sprintf("%s has a policy that forbids to replace blobs: use a container without", c))
	case bloberror.RequestBodyTooLarge:
		refused(fmt.Sprintf("%s takes no blob of that size", c))
	case bloberror.ServerBusy, bloberror.InternalError, bloberror.OperationTimedOut:
		e.Problem = fmt.Sprintf("%s is overloaded or out of order", c)
	default:
		c.byStatus(e, status)
	}
}

// byStatus is for answers without a code, or with one that is not known here.
func (c *Container) byStatus(e *bucket.Error, status int) {
	switch {
	case status == http.StatusPreconditionFailed:
		e.Fault = bucket.Changed
	case status == http.StatusConflict:
		e.Fault = bucket.Busy
	case status >= http.StatusMultipleChoices && status < http.StatusInternalServerError && status != http.StatusRequestTimeout && status != http.StatusTooManyRequests:
		e.Fault, e.Problem = bucket.Refused, fmt.Sprintf("%s refuses", c)
	}
}
