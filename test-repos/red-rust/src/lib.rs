pub fn total(cents: &[i64]) -> Result<i64, String> {
    Ok(cents.iter().sum())
}
