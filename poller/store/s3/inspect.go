package s3

import (
	"context"
	"errors"
	"fmt"
	"strings"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	sdk "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/bittrance/kitops/poller/store/bucket"
)

// Inspect tells what of the bucket and its server concerns documents below a prefix. Where the policy does not let it ask, it says
// so; what a server does not know it has not.
func (b *Bucket) Inspect(ctx context.Context, prefix string) []bucket.Finding {
	page, err := b.client.ListObjectsV2(ctx, &sdk.ListObjectsV2Input{Bucket: &b.location.Bucket, Prefix: &prefix})
	findings := []bucket.Finding{{Text: "credentials of the store: " + b.credentials.Source()}}
	if err == nil {
		if response, ok := awsmiddleware.GetRawResponse(page.ResultMetadata).(*smithyhttp.Response); ok {
			if known, ok := bucket.Known(response.Header.Get("Server")); ok {
				findings = append(findings, known)
			}
		}
	}
	return append(findings, append(b.versions(ctx, prefix), b.locks(ctx)...)...)
}

func (b *Bucket) versions(ctx context.Context, prefix string) []bucket.Finding {
	state, err := b.client.GetBucketVersioning(ctx, &sdk.GetBucketVersioningInput{Bucket: &b.location.Bucket})
	if err != nil {
		return b.unasked("whether it keeps versions", "s3:GetBucketVersioning", err)
	}
	if state.Status != types.BucketVersioningStatusEnabled {
		return []bucket.Finding{{Text: b.String() + " keeps no versions"}}
	}
	rules, err := b.client.GetBucketLifecycleConfiguration(ctx, &sdk.GetBucketLifecycleConfigurationInput{Bucket: &b.location.Bucket})
	if err != nil && codeOf(err) == "AccessDenied" {
		return b.unasked("whether a rule ends the versions that it keeps", "s3:GetLifecycleConfiguration", err)
	}
	if err == nil {
		for _, rule := range rules.Rules {
			if ends(rule, prefix) {
				return []bucket.Finding{{Text: b.String() + " keeps versions, which a lifecycle rule ends"}}
			}
		}
	}
	return []bucket.Finding{bucket.Versions(b.String())}
}

// ends tells whether a rule ends old versions of all objects below a prefix.
func ends(rule types.LifecycleRule, prefix string) bool {
	of := rule.Prefix //nolint:staticcheck // older rules have it here
	if rule.Filter != nil && rule.Filter.Prefix != nil {
		of = rule.Filter.Prefix
	}
	if rule.Status != types.ExpirationStatusEnabled || rule.NoncurrentVersionExpiration == nil || rule.Filter != nil && (rule.Filter.And != nil || rule.Filter.Tag != nil) {
		return false
	}
	return of == nil || strings.HasPrefix(prefix+"/", *of)
}

func (b *Bucket) locks(ctx context.Context) []bucket.Finding {
	lock, err := b.client.GetObjectLockConfiguration(ctx, &sdk.GetObjectLockConfigurationInput{Bucket: &b.location.Bucket})
	switch {
	case err != nil && codeOf(err) == "AccessDenied":
		return b.unasked("whether it has an Object Lock", "s3:GetBucketObjectLockConfiguration", err)
	case err != nil || lock.ObjectLockConfiguration == nil || lock.ObjectLockConfiguration.Rule == nil:
		return nil
	}
	return []bucket.Finding{{
		Text:   b.String() + " has an Object Lock with a retention, so that no version of a document can be removed before its time",
		Remedy: "use a bucket without a default retention",
	}}
}

// unasked says what is not known. That is no fault: kitops needs no such permission.
func (b *Bucket) unasked(what, need string, err error) []bucket.Finding {
	code := codeOf(err)
	if code != "AccessDenied" {
		return nil // a server that knows no such thing
	}
	return []bucket.Finding{{Text: fmt.Sprintf("%s: %s is not known, since the policy does not allow %s, which only doctor asks for", b, what, need)}}
}

func codeOf(err error) string {
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		return api.ErrorCode()
	}
	return ""
}
