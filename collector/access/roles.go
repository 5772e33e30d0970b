package access

import (
	"fmt"
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	gantryv1 "github.com/gantry-dev/gantry/proto/gen/gantry/v1"
)

// Roles are what a caller is: a set of roles as bits.
type Roles uint32

// brings says which methods a role opens beside its own. Operators look at
// what planners do, but not at single vehicles; nobody but agents may send
// readings.
var brings = map[gantryv1.Role][]gantryv1.Role{
	gantryv1.Role_ROLE_PLANNER:     {gantryv1.Role_ROLE_VIEWER},
	gantryv1.Role_ROLE_OPERATOR:    {gantryv1.Role_ROLE_VIEWER, gantryv1.Role_ROLE_PLANNER},
	gantryv1.Role_ROLE_ENFORCEMENT: {gantryv1.Role_ROLE_VIEWER, gantryv1.Role_ROLE_PLANNER},
}

// RolesOf makes a set.
func RolesOf(roles ...gantryv1.Role) Roles {
	var set Roles
	for _, r := range roles {
		if r != gantryv1.Role_ROLE_UNSPECIFIED {
			set |= 1 << r
		}
	}
	return set
}

// ParseRoles reads names with commas between them, as in tokens and flags.
func ParseRoles(names string) (Roles, error) {
	var set Roles
	for name := range strings.SplitSeq(names, ",") {
		role, ok := gantryv1.Role_value["ROLE_"+strings.ToUpper(strings.TrimSpace(name))]
		if !ok || role == 0 {
			return 0, fmt.Errorf("%q is no role: take some of %s, with commas between them", name, strings.Join(RoleNames(), ", "))
		}
		set |= RolesOf(gantryv1.Role(role))
	}
	return set, nil
}

// RoleNames lists all roles as ParseRoles takes them.
func RoleNames() []string {
	var names []string
	for number := range gantryv1.Role_name {
		if number != 0 {
			names = append(names, RoleName(gantryv1.Role(number)))
		}
	}
	slices.Sort(names)
	return names
}

// RoleName is a role as flags and messages have it.
func RoleName(r gantryv1.Role) string {
	return strings.ToLower(strings.TrimPrefix(r.String(), "ROLE_"))
}

// Names lists the set.
func (r Roles) Names() []string {
	return slices.DeleteFunc(RoleNames(), func(name string) bool {
		return r&RolesOf(gantryv1.Role(gantryv1.Role_value["ROLE_"+strings.ToUpper(name)])) == 0
	})
}

// Open tells whether the set opens methods that ask for the role.
func (r Roles) Open(needed gantryv1.Role) bool {
	if r&RolesOf(needed) != 0 {
		return true
	}
	for role, also := range brings {
		if r&RolesOf(role) != 0 && slices.Contains(also, needed) {
			return true
		}
	}
	return false
}

// RoleOf gives the role that a method asks for; its full name is
// "/package.Service/Method". A method that says none, or is not linked into
// this program, gives ROLE_UNSPECIFIED.
func RoleOf(procedure string) gantryv1.Role {
	name := protoreflect.FullName(strings.ReplaceAll(strings.TrimPrefix(procedure, "/"), "/", "."))
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
