"""events -> channels: what users did becomes item affinities, and how much each should count."""
