package api

// Rooms are the services behind the routes, one field per resource file. cmd
// fills them in; a resource whose room is nil has no routes.
type Rooms struct {
	// Writer words the answers to payments; it is needed with Checkouts, and makes
	// the links to orders.
	Writer    *Writer
	Carts     carts
	Checkouts checkouts
	// PaymentMethods needs Writer too.
	PaymentMethods paymentMethods
	// Orders come with Contacts, Payments and Shipments: all four or none.
	Orders    orders
	Contacts  contacts
	Payments  payments
	Shipments shipments
	// People lets customers sign in; it needs Orders and what comes with them.
	People people
	// Staff lets those who work for a shop sign in and hold sessions.
	Staff staffRoom
	// Keys are made, listed and revoked by those who may change the settings.
	Keys apiKeys
	// AfterSale takes returns; it comes with Orders or not at all.
	AfterSale  afterSale
	Documents  documents  // invoices and credit notes; with Orders
	Deliveries deliveries // quotes and policies of shipping
	// CarrierAccounts are those that a shop has with carriers.
	CarrierAccounts carrierAccounts
	Papers          papers    // customs papers and packing of parcels
	Purchases       purchases // from suppliers; on their way to the stock
	Suppliers       suppliers // who send straight to buyers; with Contacts
	Settings        settings
	Webhooks        webhooks // outgoing ones, and what became of them
	Audit           auditLog // of everything that is changed with a secret key
	Locations       locations
	Promotions      promotions
	TaxRates        taxRates
	// Catalogue and Search need Settings for the shop's currencies.
	Catalogue catalogue
	Search    searchEngine
	// Terms count what is searched for; with Search.
	Terms searchTerms
	// Recommendations come with Carts, Orders, People and Settings.
	Recommendations recommendations
	// OrderImports takes in past orders; it comes with Catalogue or not at all.
	OrderImports orderImports
	// Differences lists where payments and their providers' books disagree.
	Differences differences
	// Statements takes in what banks and couriers say has arrived.
	Statements statements
	// Credits are gift cards and store credit.
	Credits credits
	// PaymentInbox takes in what payment providers tell.
	PaymentInbox paymentInbox
	// Labels are bought from carriers; with Orders.
	Labels labels
	// CarrierInbox takes in what carriers tell.
	CarrierInbox carrierInbox
	// Analytics reports on journeys and sales.
	Analytics figures
	// Recovery reminds people of carts that they left, Subscriptions lets them end
	// such mail, Consents keeps what they have agreed to. They come with Settings.
	Recovery      recoveryRoom
	Subscriptions subscriptions
	Consents      consents
	// Assistant answers what customers write; it comes with People and Orders.
	Assistant assistant
	// Inbox is where staff answer, Support notices trouble first; both or none.
	Inbox   inboxRoom
	Support supportRoom
	// Inbound reads the mail of customers.
	Inbound inboundMail
	// Dev holds the helpers of the demo, which ask for no key.
	Dev *Dev
}

// Register adds the routes of all rooms and closes the document: no route can
// be declared afterwards.
func Register(s *Server, r Rooms) {
	if s.audit = r.Audit; s.audit != nil {
		registerAudit(s, r.Audit)
	}
	if r.Carts != nil {
		registerCarts(s, r.Carts)
	}
	if r.Checkouts != nil {
		registerCheckouts(s, r.Checkouts, r.People, r.Writer)
	}
	registerJourneys(s, r)
	if r.PaymentMethods != nil {
		registerPaymentMethods(s, r.PaymentMethods, r.Writer)
	}
	if r.Orders != nil {
		registerAfterSale(s, r.AfterSale, r.Writer)
		registerOrders(s, r)
	}
	if r.Documents != nil {
		registerDocuments(s, r.Documents, r.Orders)
	}
	registerSignIns(s, r)
	if r.Differences != nil {
		registerDifferences(s, r.Differences)
	}
	if r.Statements != nil {
		registerStatements(s, r.Statements)
	}
	if r.Credits != nil {
		registerCredits(s, r.Credits, r.People)
	}
	if r.Deliveries != nil {
		registerShipping(s, r.Deliveries, r.Settings)
	}
	if r.CarrierAccounts != nil {
		registerCarrierAccounts(s, r.CarrierAccounts)
	}
	registerBuying(s, r)
	if r.Papers != nil {
		registerPapers(s, r.Papers)
	}
	if r.Settings != nil {
		registerSettings(s, r.Settings)
	}
	if r.Webhooks != nil {
		registerWebhookEndpoints(s, r.Webhooks)
	}
	if r.Locations != nil {
		registerLocations(s, r.Locations)
	}
	if r.Promotions != nil {
		registerPromotions(s, r.Promotions)
	}
	if r.TaxRates != nil {
		registerTaxRates(s, r.TaxRates)
	}
	shop := &shops{server: s, source: r.Settings}
	if r.Catalogue != nil {
		registerCatalogue(s, r, shop)
	}
	if r.Search != nil {
		registerSearch(s, r.Search, r.Terms, shop)
	}
	if r.Recommendations != nil {
		registerRecommendations(s, r, shop)
	}
	if r.PaymentInbox != nil {
		registerPaymentWebhooks(s, r.PaymentInbox)
	}
	if r.Labels != nil {
		registerLabels(s, r.Labels, r.AfterSale)
	}
	if r.CarrierInbox != nil {
		registerCarrierWebhooks(s, r.CarrierInbox)
	}
	registerTalks(s, r)
	if r.Dev != nil {
		registerDev(s, r.Dev)
	}
	s.seal()
}

// registerTalks adds what customers and the shop say to one another.
func registerTalks(s *Server, r Rooms) {
	if r.Assistant != nil {
		registerAssistant(s, r)
	}
	if r.Inbound != nil {
		registerInbound(s, r.Inbound)
	}
	if r.Inbox != nil {
		registerInbox(s, r.Inbox, s.clock.Now)
		registerDesk(s, r.Inbox)
		registerCases(s, r.Support, r.Inbox)
		registerHooks(s, r.Support)
		registerContactRate(s, r.Support)
	}
}

// registerBuying adds what the shop has from its suppliers.
func registerBuying(s *Server, r Rooms) {
	if r.Purchases != nil {
		registerPurchases(s, r.Purchases)
	}
	if r.Suppliers != nil {
		registerSuppliers(s, r.Suppliers, r.Contacts)
	}
}

// registerJourneys adds what storefronts report, and what merchants are shown of
// it.
func registerJourneys(s *Server, r Rooms) {
	if r.Carts != nil && r.Checkouts != nil {
		s.later = r.Carts.Later
		registerReports(s, r.Carts, r.Checkouts)
	}
	if r.Analytics != nil {
		registerAnalytics(s, r.Analytics)
	}
	if r.Recovery != nil {
		registerRecovery(s, r.Recovery)
	}
	if r.Subscriptions != nil {
		registerMailWebhooks(s, r.Subscriptions)
		registerUnsubscribe(s, r.Subscriptions, r.Settings)
	}
	if r.Consents != nil {
		registerConsents(s, r.Consents)
	}
}

// registerSignIns adds where customers and staff sign in.
func registerSignIns(s *Server, r Rooms) {
	if r.People != nil {
		registerPeople(s, r.People, r.Contacts, r.Orders, r.Writer)
	}
	if r.Staff != nil {
		registerStaff(s, r.Staff)
	}
	if r.Keys != nil {
		registerAPIKeys(s, r.Keys)
	}
}

// afterSale is all that is asked of the room of orders once they are sold.
type afterSale interface {
	returns
	exchanges
	claims
	edits
}

func registerAfterSale(s *Server, svc afterSale, w *Writer) {
	if svc != nil {
		registerReturns(s, svc)
		registerExchanges(s, svc)
		registerClaims(s, svc)
		registerEdits(s, svc, w)
	}
}

// catalogue is all that is asked of the room of products.
type catalogue interface {
	products
	stockRoom
	productImports
	productExport
}

func registerCatalogue(s *Server, r Rooms, shops *shops) {
	registerProducts(s, r.Catalogue, shops)
	registerStock(s, r.Catalogue)
	registerProductExport(s, r.Catalogue)
	importers := map[string]importer{"products": productImporter{r.Catalogue}}
	if r.OrderImports != nil {
		importers["orders"] = orderImporter{r.OrderImports}
	}
	registerImports(s, importers, shops)
}
