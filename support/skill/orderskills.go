package skill

// orderSkills are those about one order of the writer.
func orderSkills() []Skill {
	return []Skill{
		orderStatus(), orderConfirm(), cancelOrder(), changeAddress(), changeItems(), returnItem(), replaceItem(),
		refundStatus(), refundRequest(), invoice(), paymentProblem(), deliveryProblem(),
	}
}
