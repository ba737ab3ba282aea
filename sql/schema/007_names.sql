-- The length of a text is counted in characters, as mod_kanzlei/forms.def and the pages count it: 133
-- Greek letters are no more than 133 Latin ones. Mail addresses stay at 254 bytes (RFC 5321 section
-- 4.5.3.1.3), names of files at the 255 bytes of a file system. A person may have one name alone.
ALTER TABLE firm
    DROP CONSTRAINT firm_name_check,
    ADD CONSTRAINT firm_name_check CHECK (name <> '' AND char_length(name) <= 200);
ALTER TABLE office
    DROP CONSTRAINT office_name_check,
    DROP CONSTRAINT office_street_check,
    DROP CONSTRAINT office_postcode_check,
    DROP CONSTRAINT office_city_check,
    ADD CONSTRAINT office_name_check CHECK (name <> '' AND char_length(name) <= 200),
    ADD CONSTRAINT office_street_check CHECK (char_length(street) <= 200),
    ADD CONSTRAINT office_postcode_check CHECK (char_length(postcode) <= 20),
    ADD CONSTRAINT office_city_check CHECK (char_length(city) <= 100);
ALTER TABLE account
    DROP CONSTRAINT account_user_name_check,
    DROP CONSTRAINT account_name_check,
    ADD CONSTRAINT account_user_name_check CHECK (user_name <> '' AND char_length(user_name) <= 100),
    ADD CONSTRAINT account_name_check CHECK (name <> '' AND char_length(name) <= 200);
ALTER TABLE client
    DROP CONSTRAINT client_person_name,
    DROP CONSTRAINT client_number_check,
    DROP CONSTRAINT client_salutation_check,
    DROP CONSTRAINT client_first_name_check,
    DROP CONSTRAINT client_name_check,
    DROP CONSTRAINT client_street_check,
    DROP CONSTRAINT client_postcode_check,
    DROP CONSTRAINT client_city_check,
    DROP CONSTRAINT client_country_check,
    ADD CONSTRAINT client_number_check CHECK (number <> '' AND char_length(number) <= 40),
    ADD CONSTRAINT client_salutation_check CHECK (char_length(salutation) <= 40),
    ADD CONSTRAINT client_first_name_check CHECK (char_length(first_name) <= 100),
    ADD CONSTRAINT client_name_check CHECK (name <> '' AND char_length(name) <= 200),
    ADD CONSTRAINT client_street_check CHECK (char_length(street) <= 200),
    ADD CONSTRAINT client_postcode_check CHECK (char_length(postcode) <= 20),
    ADD CONSTRAINT client_city_check CHECK (char_length(city) <= 100),
    ADD CONSTRAINT client_country_check CHECK (char_length(country) <= 100);
ALTER TABLE "group"
    DROP CONSTRAINT group_name_check,
    ADD CONSTRAINT group_name_check CHECK (name <> '' AND char_length(name) <= 200);
ALTER TABLE matter
    DROP CONSTRAINT matter_number_check,
    DROP CONSTRAINT matter_title_check,
    ADD CONSTRAINT matter_number_check CHECK (char_length(number) <= 40),
    ADD CONSTRAINT matter_title_check CHECK (title <> '' AND char_length(title) <= 200);
ALTER TABLE document
    DROP CONSTRAINT document_decision_check,
    ADD CONSTRAINT document_decision_check CHECK (char_length(decision) <= 1000);
ALTER TABLE event
    DROP CONSTRAINT event_detail_check,
    ADD CONSTRAINT event_detail_check CHECK (char_length(detail) <= 1000);
