/** A configured name of a server. */
export interface ServerName {
  readonly label: string;
}

/**
 * Assigns each server's vote to one configured name. A server with two configured names, or to which two names resolve
 * after a DNS change, has one vote, which belongs to the name under which it was identified first. That name keeps the
 * vote until it is found to refer to another server, even while it is not connected: a vote that moved to the other
 * name meanwhile would count twice.
 */
export class ServerNames {
  private readonly voters = new Map<string, ServerName>();
  private readonly servers = new Map<ServerName, string>();

  /**
   * Called when a name is found to refer to this server.
   *
   * @returns the other name that has the server's vote; `null` if this name has it
   */
  claim(name: ServerName, server: string): ServerName | null {
    const before = this.servers.get(name);
    if (before !== server && before !== undefined && this.voters.get(before) === name) this.voters.delete(before);
    this.servers.set(name, server);
    const voter = this.voters.get(server);
    if (voter === undefined) this.voters.set(server, name);
    return voter === undefined || voter === name ? null : voter;
  }
}
