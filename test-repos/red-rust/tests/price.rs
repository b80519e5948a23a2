use shop::total;

#[test]
fn adds_up() {
    assert_eq!(total(&[250, 900]), Ok(1150));
}
