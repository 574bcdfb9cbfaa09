package skill

// shopSkills are those about the shop as a whole and about the writer, which no
// single order is needed for.
func shopSkills() []Skill {
	return []Skill{
		refundPolicy(), cancellationFee(), shippingOptions(), deliveryTime(), paymentMethods(), placeOrder(), promoCode(), loyaltyPoints(),
		productQuestion(), accountPassword(), accountEdit(), accountDelete(), subscribe(), unsubscribe(), review(),
		humanAgent(), complaint(), greeting(), thanksBye(), outOfScope(),
	}
}
