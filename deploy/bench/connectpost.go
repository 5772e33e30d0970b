package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/gantry-dev/gantry/proto/gen/gantry/v1/gantryv1connect"
)

// post asks a method of QueryService as a browser does and reads the answer,
// which stays in binary: to decode it is the client's work and no part of what
// is measured. Hence not the generated client.
func (d *dashboard) post(ctx context.Context, method string, body []byte) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, d.url+"/"+gantryv1connect.QueryServiceName+"/"+method, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/proto")
	r.Header.Set("Connect-Protocol-Version", "1")
	r.Header.Set("Accept-Encoding", "gzip") // as browsers; and the transport then leaves it packed
	r.Header.Set("Authorization", "Bearer "+d.token)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		const most = 300
		err = fmt.Errorf("%s: %s", resp.Status, answer[:min(len(answer), most)])
	}
	return answer, err
}
