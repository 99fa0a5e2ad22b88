"""What people write: settings, connections and automations, read and checked against the catalogues."""
