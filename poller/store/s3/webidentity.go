package s3

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// webIdentity changes the token of a service account for credentials, by the one unsigned request of STS
// (AssumeRoleWithWebIdentity in its API reference). The SDK's client for STS would cost every kitops 165 KB of memory.
type webIdentity struct {
	env    func(string) string
	client *http.Client
	region string
}

type assumed struct {
	AccessKeyID     string    `xml:"AssumeRoleWithWebIdentityResult>Credentials>AccessKeyId"`
	SecretAccessKey string    `xml:"AssumeRoleWithWebIdentityResult>Credentials>SecretAccessKey"`
	SessionToken    string    `xml:"AssumeRoleWithWebIdentityResult>Credentials>SessionToken"`
	Expiration      time.Time `xml:"AssumeRoleWithWebIdentityResult>Credentials>Expiration"`
	Code            string    `xml:"Error>Code"`
	Message         string    `xml:"Error>Message"`
}

// Retrieve implements [aws.CredentialsProvider]. The token is read each time: it is replaced within hours.
func (w webIdentity) Retrieve(ctx context.Context) (aws.Credentials, error) {
	const renewBefore, most = 5 * time.Minute, 1 << 20
	token, err := os.ReadFile(w.env("AWS_WEB_IDENTITY_TOKEN_FILE"))
	if err != nil {
		return aws.Credentials{}, err
	}
	role := w.env("AWS_ROLE_ARN")
	if role == "" {
		return aws.Credentials{}, errors.New("AWS_ROLE_ARN is not set")
	}
	session := w.env("AWS_ROLE_SESSION_NAME")
	if session == "" {
		session = "kitops"
	}
	form := url.Values{
		"Action": {"AssumeRoleWithWebIdentity"}, "Version": {"2011-06-15"}, "RoleArn": {role},
		"RoleSessionName": {session}, "WebIdentityToken": {strings.TrimSpace(string(token))},
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.endpoint(), strings.NewReader(form.Encode()))
	if err != nil {
		return aws.Credentials{}, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := w.client.Do(req)
	if err != nil {
		return aws.Credentials{}, err
	}
	defer func() { _ = resp.Body.Close() }()
	var a assumed
	text, err := io.ReadAll(io.LimitReader(resp.Body, most))
	if err != nil {
		return aws.Credentials{}, err
	}
	if err := xml.Unmarshal(text, &a); err != nil || a.AccessKeyID == "" || resp.StatusCode != http.StatusOK {
		return aws.Credentials{}, fmt.Errorf("%s does not give the role %s: %d %s %s", w.endpoint(), role, resp.StatusCode, a.Code, a.Message)
	}
	return aws.Credentials{
		AccessKeyID: a.AccessKeyID, SecretAccessKey: a.SecretAccessKey, SessionToken: a.SessionToken, Source: "web identity",
		CanExpire: true, Expires: a.Expiration.Add(-renewBefore),
	}, nil
}

func (w webIdentity) endpoint() string {
	if endpoint := w.env("AWS_ENDPOINT_URL_STS"); endpoint != "" {
		return endpoint
	}
	switch {
	case w.region == "":
		return "https://sts.amazonaws.com/"
	case strings.HasPrefix(w.region, "cn-"):
		return "https://sts." + w.region + ".amazonaws.com.cn/"
	}
	return "https://sts." + w.region + ".amazonaws.com/"
}
