package api

// Rooms are the services behind the routes, one field per resource file. cmd
// fills them in; a resource whose room is nil has no routes.
type Rooms struct{}

// Register adds the routes of all rooms and closes the document: no route can
// be declared afterwards.
func Register(s *Server, _ Rooms) {
	s.seal()
}
