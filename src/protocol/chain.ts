/** One model of the chain (`GET /api/chain`). */
export interface ChainModel {
  /** `provider/model`. */
  model: string;
  provider: string;
  /** Provider-side id. */
  id: string;
  /** Display name. */
  name: string;
  /** Off: it is not asked, not even by name. */
  enabled: boolean;
  /** One of its keys can answer right now. */
  available: boolean;
}
