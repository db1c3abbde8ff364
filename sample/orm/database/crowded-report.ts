/** A town, with the number of people in towns within 20 km. */
export interface CrowdedCity {
  readonly id: number;
  readonly name: string;
  readonly population: number;
  readonly peopleAround: number;
}

/**
 * Every town of a country of at least 3,000 people, joined with every town of it that is near. No ORM has find options for
 * this. No index helps, so it takes a while.
 */
export const CROWDED_REPORT = `
  WITH town AS MATERIALIZED (
    SELECT id, name, population, latitude::float AS lat, longitude::float AS lon
    FROM city
    WHERE country_code = $1 AND population >= 3000
  )
  SELECT center.id, center.name, center.population, sum(near.population)::integer AS "peopleAround"
  FROM town AS center
  JOIN town AS near
    ON near.lat BETWEEN center.lat - 0.181 AND center.lat + 0.181
    AND power((near.lat - center.lat) * 110.57, 2)
      + power((near.lon - center.lon) * 111.32 * cos(radians(center.lat)), 2) <= 400
  GROUP BY center.id, center.name, center.population
  ORDER BY "peopleAround" DESC
  LIMIT 10`;
