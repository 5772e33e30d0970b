package access

import (
	"fmt"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// Ways in which a caller is known.
const (
	ViaNothing     = "nothing"     // not known
	ViaLoopback    = "loopback"    // stands on this machine
	ViaToken       = "token"       // a token of the tokens file
	ViaSession     = "session"     // logged in with OpenID Connect
	ViaProxy       = "proxy"       // a trusted proxy says so
	ViaCertificate = "certificate" // the client's TLS certificate
)

// Caller is who calls.
type Caller struct {
	// Name is what the audit log calls them: a token's name, a person's
	// subject, an agent's id.
	Name string
	// Roles they have.
	Roles Roles
	// Via is how that is known, one of the constants.
	Via string
}

// RefusedError says why a call is not let through. It is a gRPC status, and its
// code has the same number in Connect.
type RefusedError struct {
	// Code is Unauthenticated when another proof of identity could help.
	Code codes.Code
	// Reason is one sentence with the way out.
	Reason string
}

// Error is the reason.
func (r *RefusedError) Error() string { return r.Reason }

// GRPCStatus lets grpc-go answer with the code.
func (r *RefusedError) GRPCStatus() *status.Status { return status.New(r.Code, r.Reason) }

func refuse(code codes.Code, format string, args ...any) error {
	return &RefusedError{Code: code, Reason: fmt.Sprintf(format, args...)}
}

// openServices may be called by anybody: they show nothing but whether the
// server is well and what its protos say, which are public.
var openServices = map[string]bool{
	"grpc.health.v1.Health":                    true,
	"grpc.reflection.v1.ServerReflection":      true,
	"grpc.reflection.v1alpha.ServerReflection": true,
}

// IsOpen tells whether anybody may call the service.
func IsOpen(service string) bool { return openServices[service] }

// Decide lets a caller call a method, or returns a RefusedError. It is a pure
// function of both.
func Decide(c Caller, procedure string) error {
	service, _, _ := strings.Cut(strings.TrimPrefix(procedure, "/"), "/")
	if IsOpen(service) {
		return nil
	}
	needed := RoleOf(procedure)
	if needed == gantryv1.Role_ROLE_UNSPECIFIED {
		return refuse(codes.PermissionDenied, "%s has no role in its proto and is denied to everybody", procedure)
	}
	if c.Roles.Open(needed) {
		return nil
	}
	if c.Via == ViaNothing || c.Via == ViaLoopback {
		return refuse(codes.Unauthenticated, "%s needs the role %s: log in, or send `authorization: Bearer TOKEN` with a token made by `collector token create --role %s`",
			procedure, RoleName(needed), RoleName(needed))
	}
	has := "no role"
	if names := c.Roles.Names(); len(names) > 0 {
		has = strings.Join(names, ", ")
	}
	return refuse(codes.PermissionDenied, "%s needs the role %s and %s has %s: call as somebody else, or have the role added", procedure, RoleName(needed), c.Name, has)
}
