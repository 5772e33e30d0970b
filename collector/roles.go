package main

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"slices"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// maxTokens bounds the tokens file.
const maxTokens = 10_000

// openServices may be called by anybody: they show nothing but whether the
// server is well and what its protos say, which are public.
var openServices = map[string]bool{
	"grpc.health.v1.Health":                    true,
	"grpc.reflection.v1.ServerReflection":      true,
	"grpc.reflection.v1alpha.ServerReflection": true,
}

// guard lets a call through only if the caller has the role that the method's
// (gantry.v1.role) asks for. A method without the option is denied.
type guard struct {
	tokens   map[[sha256.Size]byte]gantryv1.Role
	loopback bool
}

// besides are the roles whose methods a role may use besides its own. Nobody
// but agents may send readings, and nobody but enforcement sees a violation.
var besides = map[gantryv1.Role][]gantryv1.Role{
	gantryv1.Role_ROLE_OPERATOR:    {gantryv1.Role_ROLE_VIEWER, gantryv1.Role_ROLE_PLANNER},
	gantryv1.Role_ROLE_PLANNER:     {gantryv1.Role_ROLE_VIEWER},
	gantryv1.Role_ROLE_ENFORCEMENT: {gantryv1.Role_ROLE_PLANNER, gantryv1.Role_ROLE_VIEWER},
}

// onLoopback are the roles whose methods need no token on this machine.
var onLoopback = []gantryv1.Role{gantryv1.Role_ROLE_AGENT, gantryv1.Role_ROLE_VIEWER, gantryv1.Role_ROLE_PLANNER}

// readTokens reads the tokens file: a role and a SHA-256 in hexadecimal per
// line; empty lines and those that begin with # are skipped.
func readTokens(path string) (map[[sha256.Size]byte]gantryv1.Role, error) {
	tokens := map[[sha256.Size]byte]gantryv1.Role{}
	if path == "" {
		return tokens, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read --tokens-file: %w", err)
	}
	defer func() { _ = f.Close() }()
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		name, digest, _ := strings.Cut(line, " ")
		role := gantryv1.Role(gantryv1.Role_value["ROLE_"+strings.ToUpper(name)])
		sum, err := hex.DecodeString(strings.TrimSpace(digest))
		if role == gantryv1.Role_ROLE_UNSPECIFIED || err != nil || len(sum) != sha256.Size {
			return nil, fmt.Errorf("%s:%d: not a role (agent, viewer, operator, planner, enforcement) and the SHA-256 of a token in 64 hexadecimal digits", path, n)
		}
		tokens[[sha256.Size]byte(sum)] = role
		if len(tokens) > maxTokens {
			return nil, fmt.Errorf("%s:%d: more than %d tokens: remove those no longer in use", path, n, maxTokens)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read --tokens-file: %w", err)
	}
	return tokens, nil
}

// roleOf gives the role that a method asks for: its full name is
// "/package.Service/Method".
func roleOf(fullMethod string) gantryv1.Role {
	name := protoreflect.FullName(strings.ReplaceAll(strings.TrimPrefix(fullMethod, "/"), "/", "."))
	d, err := protoregistry.GlobalFiles.FindDescriptorByName(name)
	if err != nil {
		return gantryv1.Role_ROLE_UNSPECIFIED
	}
	method, ok := d.(protoreflect.MethodDescriptor)
	if !ok {
		return gantryv1.Role_ROLE_UNSPECIFIED
	}
	role, _ := proto.GetExtension(method.Options(), gantryv1.E_Role).(gantryv1.Role)
	return role
}

// check decides over one call.
func (g *guard) check(ctx context.Context, fullMethod string) error {
	service, _, _ := strings.Cut(strings.TrimPrefix(fullMethod, "/"), "/")
	if openServices[service] {
		return nil
	}
	needed := roleOf(fullMethod)
	if needed == gantryv1.Role_ROLE_UNSPECIFIED {
		return status.Errorf(codes.PermissionDenied, "%s has no role in its proto and is denied to everybody", fullMethod)
	}
	caller, known, err := g.caller(ctx)
	if err != nil {
		return err
	}
	if !known {
		if g.loopback && slices.Contains(onLoopback, needed) {
			return nil
		}
		return status.Errorf(codes.Unauthenticated, "%s needs a token of role %s: send the metadata `authorization: Bearer TOKEN`, and give the collector its SHA-256 with --tokens-file",
			fullMethod, roleName(needed))
	}
	if caller == needed || slices.Contains(besides[caller], needed) {
		return nil
	}
	return status.Errorf(codes.PermissionDenied, "%s needs the role %s and this token has %s: use another token", fullMethod, roleName(needed), roleName(caller))
}

// caller gives the role of the token in the metadata; known is false when
// there is none. A token that is given must be right, even where none is
// needed.
func (g *guard) caller(ctx context.Context) (role gantryv1.Role, known bool, err error) {
	values := metadata.ValueFromIncomingContext(ctx, "authorization")
	if len(values) == 0 {
		return 0, false, nil
	}
	token, ok := strings.CutPrefix(values[0], "Bearer ")
	if !ok || len(values) > 1 {
		return 0, false, status.Error(codes.Unauthenticated, "the metadata authorization is not one `Bearer TOKEN`")
	}
	// The map is of digests, so timing tells nothing of a token.
	role, known = g.tokens[sha256.Sum256([]byte(token))]
	if !known {
		return 0, false, status.Error(codes.Unauthenticated, "the collector does not know this token: add its SHA-256 to the tokens file and restart, or send none on loopback")
	}
	return role, true, nil
}

func roleName(r gantryv1.Role) string {
	return strings.ToLower(strings.TrimPrefix(r.String(), "ROLE_"))
}

// unary and stream are the interceptors.
func (g *guard) unary(ctx context.Context, req any, info *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
	if err := g.check(ctx, info.FullMethod); err != nil {
		return nil, err
	}
	return next(ctx, req)
}

func (g *guard) stream(srv any, s grpc.ServerStream, info *grpc.StreamServerInfo, next grpc.StreamHandler) error {
	if err := g.check(s.Context(), info.FullMethod); err != nil {
		return err
	}
	return next(srv, s)
}
